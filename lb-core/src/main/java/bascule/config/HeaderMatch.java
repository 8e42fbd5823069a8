package bascule.config;

import org.jspecify.annotations.Nullable;

/// A header field that a route asks for.
///
/// @param name lower case
/// @param value compared byte for byte; null = the field's presence is enough
public record HeaderMatch(String name, @Nullable String value) {}
