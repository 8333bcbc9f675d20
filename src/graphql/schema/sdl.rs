//! The form in which schemas are printed as SDL: the options of the export, and blank lines.

use async_graphql::SDLExportOptions;

pub(super) fn options() -> SDLExportOptions {
    SDLExportOptions::new().use_space_ident().prefer_single_line_descriptions().include_specified_by()
}

/// Normalizes blank lines: one between definitions, none at either end.
pub(super) fn tidy(sdl: &str) -> String {
    let mut text = String::with_capacity(sdl.len());
    for line in sdl.lines().map(str::trim_end) {
        if !(line.is_empty() && (text.is_empty() || text.ends_with("\n\n"))) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
