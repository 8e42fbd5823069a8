package bascule.config;

/// What one node does of a configuration.
///
/// @param node its name
/// @param whole the same for all nodes
public record NodePart(String node, Configuration whole) {}
