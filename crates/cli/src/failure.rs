//! Errors as a person reads them: what, why, what next.

use selfheal_api::ClientError;

use crate::output;

pub fn words(error: &anyhow::Error) -> String {
    if let Some(ClientError::Problem(problem)) = error.downcast_ref::<ClientError>() {
        let next = if problem.next.is_empty() { String::new() } else { format!("\n  {}", output::told(&problem.next)) };
        return format!("error: {}: {}{next}\n  (code {})", problem.what, output::told(&problem.why), problem.code);
    }
    let mut causes = error.chain().map(ToString::to_string);
    let mut text = format!("error: {}", causes.next().unwrap_or_default());
    for cause in causes {
        // Some errors already carry their cause's words.
        if !text.contains(&cause) {
            text.push_str(&format!("\n  because {cause}"));
        }
    }
    text
}
