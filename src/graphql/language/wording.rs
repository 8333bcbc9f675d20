//! Wording: what apollo-compiler finds in a document, said in the words of graphql-js, and each thing once.

use apollo_compiler::diagnostic::{Diagnostic, ToCliReport};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::validation::{DiagnosticData, DiagnosticList};

use super::document_errors::DocumentError;
use super::parse::ParsedDocument;
use super::suggestions::suggestion;

/// The most characters of a document that a message repeats in one piece.
const EXCERPT: usize = 80;

/// The findings of a validation.
pub(super) fn in_words(findings: &DiagnosticList, document: &ParsedDocument) -> Vec<DocumentError> {
    let null_values = findings.iter().filter(|finding| is_about_null(finding, document)).count();
    let error = |finding: Diagnostic<'_, DiagnosticData>| {
        let span = finding.error.location();
        let message = message(&finding, document)?;
        let place = span.map(|at| document.pos(at.offset()));
        Some(DocumentError { message, locations: place.into_iter().collect() })
    };
    // A null where none may be is found once as a value, and once as something that is not provided.
    let repeats = |finding: &Diagnostic<'_, DiagnosticData>| {
        null_values > 0
            && matches!(finding.error.unstable_error_name(), Some("RequiredArgument" | "RequiredField"))
            && finding.error.location().is_some_and(|around| {
                findings.iter().filter(|other| is_about_null(other, document)).any(|null| {
                    let at = null.error.location();
                    at.is_some_and(|at| around.offset() <= at.offset() && at.end_offset() <= around.end_offset())
                        && excerpt_before(document, at).ends_with(&missing_name(finding))
                })
            })
    };
    findings.iter().filter(|finding| !repeats(finding)).filter_map(error).collect()
}

/// Whether the finding is that a value must not be null.
fn is_about_null(finding: &Diagnostic<'_, DiagnosticData>, document: &ParsedDocument) -> bool {
    finding.error.unstable_error_name() == Some("UnsupportedValueType")
        && finding.error.location().is_some_and(|at| document.text.get(at.offset()..at.end_offset()) == Some("null"))
}

/// The name of the argument or field that is not provided, with the colon that follows it where it is.
fn missing_name(finding: &Diagnostic<'_, DiagnosticData>) -> String {
    let message = finding.error.unstable_compat_message().unwrap_or_default();
    let quoted: Vec<&str> = message.split('"').skip(1).step_by(2).collect();
    let name = match finding.error.unstable_error_name() {
        Some("RequiredArgument") => quoted.get(1).copied(),
        _ => quoted.first().map(|coordinate| coordinate.rsplit('.').next().unwrap_or(coordinate)),
    };
    format!("{}:", name.unwrap_or_default())
}

/// The text before a place, without the white space at its end.
fn excerpt_before(document: &ParsedDocument, at: Option<SourceSpan>) -> String {
    let before = at.and_then(|at| document.text.get(..at.offset())).unwrap_or_default();
    let line = before.trim_end();
    line.rsplit_once(['{', '(', ',']).map_or(line, |(_, last)| last).replace(' ', "")
}

/// A finding's message; `None` for one that only follows from another.
fn message(finding: &Diagnostic<'_, DiagnosticData>, document: &ParsedDocument) -> Option<String> {
    let name = finding.error.unstable_error_name().unwrap_or_default();
    let message = finding.error.unstable_compat_message().unwrap_or_else(|| finding.error.to_string());
    let names: Vec<&str> = message.split('"').skip(1).step_by(2).collect();
    let quoted = |n: usize| names.get(n).copied();
    let worded = match name {
        "UnsupportedValueType" => unsupported_value(finding, document),
        "SubselectionOnScalarType" | "SubselectionOnEnumType" => format!("{message}."),
        "MissingSubselection" => {
            let (field, parent) = (quoted(0)?, quoted(1)?);
            let ty = document.schema.schema().type_field(parent, field).map(|field| field.ty.to_string());
            let ty = ty.unwrap_or_else(|_| parent.to_owned());
            format!("Field \"{field}\" of type \"{ty}\" must have a selection of subfields.")
        }
        "ConflictingFieldType" => message.replacen(" and \"", "\" and \"", 1),
        "RecursiveFragmentDefinition" => {
            let fragment = quoted(0)?;
            match names.get(2..).unwrap_or_default() {
                [] => format!("Cannot spread fragment \"{fragment}\" within itself."),
                via => format!("Cannot spread fragment \"{fragment}\" within itself via \"{}\".", via.join("\", \"")),
            }
        }
        // That the fragment cannot be on this type has been said.
        "UndefinedField" if quoted(1).is_some_and(|ty| !has_fields(document, ty)) => return None,
        "UndefinedArgument" => message.replacen(" on field \"@", " on directive \"@", 1),
        _ => message.clone(),
    };
    if document.schema.suggestions() {
        return Some(worded + &suggestion(document.schema.schema(), name, &names));
    }
    Some(worded)
}

fn has_fields(document: &ParsedDocument, ty: &str) -> bool {
    use apollo_compiler::schema::ExtendedType::{Interface, Object, Union};
    matches!(document.schema.schema().types.get(ty), Some(Object(_) | Interface(_) | Union(_)))
}

/// A literal of a wrong type.
fn unsupported_value(finding: &Diagnostic<'_, DiagnosticData>, document: &ParsedDocument) -> String {
    let value = finding.error.location().map_or_else(String::new, |at| excerpt(document, at));
    // "expected value of type T!, found …"
    let plain = finding.error.to_string();
    let expected = plain.trim_start_matches("expected value of type ").split(", found").next().unwrap_or_default();
    let named = expected.trim_matches(|c| matches!(c, '[' | ']' | '!'));
    let is_enum =
        matches!(document.schema.schema().types.get(named), Some(apollo_compiler::schema::ExtendedType::Enum(_)));
    match named {
        _ if value == "null" => format!("Expected value of type \"{expected}\", found null."),
        "Int" => format!("Int cannot represent non-integer value: {value}"),
        "Float" => format!("Float cannot represent non numeric value: {value}"),
        "String" => format!("String cannot represent a non string value: {value}"),
        "Boolean" => format!("Boolean cannot represent a non boolean value: {value}"),
        "ID" => format!("ID cannot represent a non-string and non-integer value: {value}"),
        _ if is_enum => format!("Enum \"{named}\" cannot represent non-enum value: {value}."),
        _ => format!("Expected value of type \"{expected}\", found {value}."),
    }
}

/// A piece of the document, as it was written, cut where it is long.
fn excerpt(document: &ParsedDocument, at: SourceSpan) -> String {
    let text = document.text.get(at.offset()..at.end_offset()).unwrap_or_default().trim_end();
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
