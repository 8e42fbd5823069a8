package bascule.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;

/// A page of the operator's own, read with the configuration, so that a request never waits for a disk and a half-written file
/// is seen by `check`.
///
/// @param file absolute
/// @param content 1 byte to 256 KiB
/// @param contentType by the end of the file's name
public record PageFile(Path file, PageContent content, String contentType) {
    private static final int MAX_BYTES = 256 << 10;

    private static final Map<String, String> TYPES =
            Map.of(
                    ".html", "text/html; charset=utf-8",
                    ".json", "application/json",
                    ".txt", "text/plain; charset=utf-8");

    /// @param folder where a relative path starts
    static Kind<PageFile> kind(Path folder) {
        return new Kind<>(
                "a file of 1B to 256KiB that ends in .html, .json or .txt",
                text -> read(text, folder));
    }

    private static Kind.Read<PageFile> read(String text, Path folder) {
        String type = TYPES.get(text.substring(Math.max(text.lastIndexOf('.'), 0)));
        if (type == null) return Kind.bad("is no page");
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
            return Kind.good(new PageFile(file, PageContent.of(content), type));
        } catch (InvalidPathException _) {
            return Kind.bad("is no file");
        } catch (AccessDeniedException _) {
            return Kind.bad("cannot be read: permission denied");
        } catch (IOException failure) {
            return Kind.bad("cannot be read: " + failure.getMessage());
        }
    }
}
