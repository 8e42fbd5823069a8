package bascule.config;

/// The hosts of a route: one, or all below one.
///
/// @param name lower case, without port and without the `*.` of a wildcard
/// @param wildcard whether any number of labels may, and at least one must, stand before `name`
public record HostPattern(String name, boolean wildcard) {}
