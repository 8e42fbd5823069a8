package bascule.observe;

/// A server's standing at the time of a scrape.
///
/// @param state one of [Metrics#SERVER_STATES]
public record ServerSample(String backend, String server, boolean up, String state) {}
