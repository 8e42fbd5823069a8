package bascule.config;

/// A header field that is set or added.
///
/// @param name as written
/// @param value up to 4096 visible ASCII characters, blanks and tabs inside; may be empty
public record HeaderEdit(String name, String value) {}
