package bascule.tls;

import java.nio.file.Path;

/// What is wrong with a file of certificates or keys. Never shows a byte of it.
///
/// @param file     the file or folder
/// @param line     where in the file, from 1; 0 if it is no matter of one line
/// @param what     what is wrong, to be read behind the file's name
/// @param expected what would have been right
public record CertificateFault(Path file, int line, String what, String expected) {
    CertificateFault(Path file, String what, String expected) {
        this(file, 0, what, expected);
    }

    /// `certs/a.pem:7: has no END line (expected: …)`.
    @Override
    public String toString() {
        return file + (line == 0 ? "" : ":" + line) + ": " + what + " (expected: " + expected + ")";
    }
}
