package bascule.tls;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/// Reads the textual encoding of certificates and keys (RFC 7468; also the header lines of RFC 1421 §4.4, which only old
/// encrypted keys have).
final class Pem {
    /// One `-----BEGIN label-----` to `-----END label-----`.
    ///
    /// @param line      of the BEGIN, from 1
    /// @param der       what the text encodes
    /// @param encrypted whether a `Proc-Type: 4,ENCRYPTED` stood in it; `der` is empty then
    record Block(String label, int line, byte[] der, boolean encrypted) {}

    sealed interface Read {
        record Blocks(List<Block> blocks) implements Read {}

        record Faulty(CertificateFault fault) implements Read {}
    }

    private static final String BEGIN = "-----BEGIN ";
    private static final String END = "-----END ";
    private static final String DASHES = "-----";

    private Pem() {}

    /// @param limitBytes a larger file is a fault
    static Read read(Path file, int limitBytes) {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(limitBytes + 1);
        } catch (NoSuchFileException e) {
            return faulty(file, 0, "does not exist", "a file in PEM form");
        } catch (AccessDeniedException e) {
            return faulty(file, 0, "may not be read", "a file that the daemon's user may read");
        } catch (IOException e) {
            return faulty(file, 0, "cannot be read: " + reason(e), "a file in PEM form");
        }
        try {
            if (bytes.length > limitBytes)
                return faulty(
                        file, 0, "is larger than " + (limitBytes >> 10) + " KiB", "a smaller file");
            return parse(file, new String(bytes, ISO_8859_1));
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    /// Without the file's name, which stands before it anyway.
    static String reason(Exception e) {
        String reason =
                e instanceof FileSystemException system ? system.getReason() : e.getMessage();
        return reason == null ? e.getClass().getSimpleName() : reason;
    }

    private static Read parse(Path file, String text) {
        List<Block> blocks = new ArrayList<>();
        List<String> lines = text.lines().toList();
        for (int at = 0; at < lines.size(); at++) {
            String begin = lines.get(at).strip();
            if (!begin.startsWith(BEGIN))
                continue; // What stands between blocks is comment (RFC 7468 §2).
            int first = at + 1;
            if (!begin.endsWith(DASHES) || begin.length() <= BEGIN.length() + DASHES.length())
                return faulty(file, first, "has a broken BEGIN line", "-----BEGIN …-----");
            String label = begin.substring(BEGIN.length(), begin.length() - DASHES.length());
            var encoded = new StringBuilder();
            boolean headers = false;
            boolean encrypted = false;
            for (at++; ; at++) {
                String line = at < lines.size() ? lines.get(at).strip() : BEGIN;
                if (line.startsWith(BEGIN))
                    return faulty(
                            file, first, "has no END line for " + label, END + label + DASHES);
                if (line.startsWith(END)) {
                    if (!line.equals(END + label + DASHES))
                        return faulty(
                                file,
                                at + 1,
                                "ends something else than " + label,
                                END + label + DASHES);
                    break;
                }
                if (line.indexOf(':') >= 0) {
                    headers = true;
                    encrypted |= line.startsWith("Proc-Type:") && line.contains("ENCRYPTED");
                } else if (headers && line.isEmpty()) headers = false;
                else if (!headers) encoded.append(line);
            }
            byte[] der;
            try {
                der = encrypted ? new byte[0] : Base64.getDecoder().decode(encoded.toString());
            } catch (IllegalArgumentException e) {
                return faulty(
                        file, first, "has something else than Base64 in its " + label, "Base64");
            }
            if (der.length == 0 && !encrypted)
                return faulty(file, first, "has an empty " + label, "Base64");
            blocks.add(new Block(label, first, der, encrypted));
        }
        return new Read.Blocks(blocks);
    }

    private static Read faulty(Path file, int line, String what, String expected) {
        return new Read.Faulty(new CertificateFault(file, line, what, expected));
    }
}
