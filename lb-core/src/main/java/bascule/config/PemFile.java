package bascule.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/// A file of certificates or of a key, known by its place and its fingerprint: what is in it is not kept here, for it may be secret.
///
/// @param file absolute
/// @param fingerprint SHA-256 of its bytes, 64 lower-case hex digits
public record PemFile(Path file, String fingerprint) {
    /// Every CA there is takes a quarter of this.
    private static final int MAX_BYTES = 1 << 20;

    /// @param folder where a relative path starts
    static Kind<PemFile> kind(Path folder) {
        return new Kind<>("a PEM file of 1B to 1MiB", text -> read(text, folder));
    }

    private static Kind.Read<PemFile> read(String text, Path folder) {
        if (text.isBlank() || text.equals(Kind.OFF)) return Kind.bad("is no file");
        try {
            Path file = folder.resolve(text);
            if (!Files.exists(file)) return Kind.bad("is not there");
            if (!Files.isRegularFile(file))
                return Kind.bad("is no file"); // A pipe would never end.
            byte[] content;
            try (InputStream in = Files.newInputStream(file)) {
                content = in.readNBytes(MAX_BYTES + 1);
            }
            if (content.length == 0) return Kind.bad("is empty");
            if (content.length > MAX_BYTES) return Kind.bad("is too large");
            return Kind.good(new PemFile(file, PageContent.sha256(content)));
        } catch (InvalidPathException _) {
            return Kind.bad("is no file");
        } catch (AccessDeniedException _) {
            return Kind.bad("cannot be read: permission denied");
        } catch (IOException failure) {
            return Kind.bad("cannot be read: " + failure.getMessage());
        }
    }
}
