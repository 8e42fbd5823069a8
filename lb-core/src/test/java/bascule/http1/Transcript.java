package bascule.http1;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/// Bytes on a wire and what is to be said of them, from a text file:
///
///     # Why this is worth a file.
///     KIND [LONGEST_HEAD MOST_FIELDS LONGEST_REQUEST_LINE]
///     what is expected, a line each
///
///     the bytes, as Wire reads them; line ends of the file itself do not count
record Transcript(String name, String kind, HeadLimits limits, List<String> expected, String wire) {
    static Stream<Transcript> all(String kind) {
        URL folder = Objects.requireNonNull(Transcript.class.getResource("/http1"));
        try (Stream<Path> files = Files.list(Path.of(folder.toURI()))) {
            return files
                    .sorted()
                    .map(Transcript::read)
                    .filter(it -> it.kind.equals(kind))
                    .toList()
                    .stream();
        } catch (IOException | URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Transcript read(Path file) {
        try {
            List<String> lines = Files.readAllLines(file, UTF_8);
            int empty = lines.indexOf("");
            if (!lines.getFirst().startsWith("# ") || empty < 3)
                throw new IllegalArgumentException("no head");
            String[] kind = lines.get(1).split(" ", -1);
            HeadLimits limits =
                    kind.length == 1
                            ? new HeadLimits(600, 12, 400)
                            : new HeadLimits(
                                    Integer.parseInt(kind[1]),
                                    Integer.parseInt(kind[2]),
                                    Integer.parseInt(kind[3]));
            List<String> expected = lines.subList(2, empty).stream().map(Wire::unescape).toList();
            String wire = Wire.unescape(String.join("", lines.subList(empty + 1, lines.size())));
            return new Transcript(file.getFileName().toString(), kind[0], limits, expected, wire);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
