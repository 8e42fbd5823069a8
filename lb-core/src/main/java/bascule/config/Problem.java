package bascule.config;

/// One fault of a configuration, and the place to look at.
///
/// @param file as it was named on the command line, or the folder of that with what was read from there
/// @param line from 1; 0 = the file as a whole
/// @param path the key, such as `listeners.http.limits.connections`; empty = no key in particular
/// @param message the value, what is wrong with it, and what was expected
public record Problem(String file, int line, String path, String message) {
    /// The line that `bascule check` prints: `file:line: path: value: what is wrong (expected: …)`.
    @Override
    public String toString() {
        String place = new Place(file, line).toString();
        return path.isEmpty() ? place + ": " + message : place + ": " + path + ": " + message;
    }
}
