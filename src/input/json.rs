//! Systems as matrices in JSON.
use super::InputError;
/// x
pub fn as_model_file(_name: &str, _text: &str) -> Result<String, InputError> {
    Err(InputError::Toml("".into()))
}
