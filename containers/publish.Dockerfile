# What publish.def is for Apptainer: results and the qsd that shows them. `make publish-docker RUNS=out/`, then
#
#   docker run -p 9999:9999 published
FROM qsd
# The context is the directory with results files (*.h5).
COPY . /results
RUN for file in /results/*.h5; do /opt/qsd/libexec/qsd-serial info "$file" >/dev/null || exit 1; done
EXPOSE 9999
# From outside the container it is another machine that looks.
CMD ["view", "/results", "--host", "0.0.0.0", "--port", "9999"]
