package bascule.http1;

/// What one head may be at most; a listener's `limits`.
///
/// @param headBytes the whole head: start line, fields, line ends
/// @param headerCount field lines
/// @param requestLineBytes the request line without its line end
public record HeadLimits(int headBytes, int headerCount, int requestLineBytes) {}
