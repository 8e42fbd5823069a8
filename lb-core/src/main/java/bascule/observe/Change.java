package bascule.observe;

import java.time.Instant;

/// An event that changed something for operators, as remembered by [Events#changed].
///
/// @param name the event's, such as `server-down`
/// @param text the rest of its line: `backend=web server=a`, or empty
public record Change(Instant time, String name, String text) {}
