package bascule.http;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.config.HeaderEdit;
import bascule.config.HeaderEdits;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// What an operator wants of the fields of a head, prepared: lines of some names go, and some lines come. Immutable, shared by all
/// loops; [#NONE] where nothing is wanted, so that one look tells.
///
/// Several blocks are one: what a later one sets or removes takes what an earlier one had set or added. Within a block, first
/// `remove`, then `set`, then `add`. The file refuses names that frame a message or belong to one connection.
public final class FieldEdits {
    public static final FieldEdits NONE = new FieldEdits(Set.of(), List.of());

    private static final byte[] CRLF = {'\r', '\n'};

    /// Lower case.
    private final byte[][] dropped;

    /// Of the dropped names, a bit each at their length modulo 64.
    private final long lengths;

    /// Of those which have a code, a bit each at `1 << code`.
    private final int droppedCodes;

    private final byte[] host;
    private final byte[] added;

    private FieldEdits(Set<String> dropped, List<HeaderEdit> lines) {
        this.dropped =
                dropped.stream()
                        .sorted()
                        .map(name -> name.getBytes(US_ASCII))
                        .toArray(byte[][]::new);
        long lengthBits = 0;
        for (byte[] name : this.dropped) lengthBits |= 1L << name.length;
        lengths = lengthBits;
        int codes = 0;
        for (String name : dropped) codes |= 1 << code(name);
        droppedCodes = codes & ~(1 << FieldName.OTHER);
        host = lines(lines.stream().filter(FieldEdits::isHost).toList());
        added = lines(lines.stream().filter(line -> !isHost(line)).toList());
    }

    /// @param blocks in the order in which they apply
    public static FieldEdits of(HeaderEdits... blocks) {
        Set<String> dropped = new HashSet<>();
        List<HeaderEdit> lines = new ArrayList<>();
        for (HeaderEdits block : blocks) {
            Set<String> gone = new HashSet<>(block.remove());
            for (HeaderEdit set : block.set()) gone.add(lower(set.name()));
            lines.removeIf(line -> gone.contains(lower(line.name())));
            dropped.addAll(gone);
            lines.addAll(block.set());
            lines.addAll(block.add());
        }
        return dropped.isEmpty() && lines.isEmpty() ? NONE : new FieldEdits(dropped, lines);
    }

    private static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }

    private static boolean isHost(HeaderEdit line) {
        return line.name().equalsIgnoreCase("host");
    }

    private static byte[] lines(List<HeaderEdit> lines) {
        var bytes = new ByteArrayOutputStream();
        for (HeaderEdit line : lines) {
            bytes.writeBytes((line.name() + ": " + line.value()).getBytes(US_ASCII));
            bytes.writeBytes(CRLF);
        }
        return bytes.toByteArray();
    }

    /// Those that a rewrite of a request treats apart.
    private static byte code(String lowerCase) {
        return switch (lowerCase) {
            case "host" -> FieldName.HOST;
            case "x-forwarded-for" -> FieldName.X_FORWARDED_FOR;
            case "x-forwarded-proto" -> FieldName.X_FORWARDED_PROTO;
            case "x-forwarded-host" -> FieldName.X_FORWARDED_HOST;
            case "forwarded" -> FieldName.FORWARDED;
            case "via" -> FieldName.VIA;
            case "x-request-id" -> FieldName.X_REQUEST_ID;
            case "x-client-cert-subject" -> FieldName.X_CLIENT_CERT_SUBJECT;
            case "x-client-cert-fingerprint" -> FieldName.X_CLIENT_CERT_FINGERPRINT;
            default -> FieldName.OTHER;
        };
    }

    /// Nominates the lines that shall go.
    public void mark(HeaderBlock fields) {
        if (dropped.length == 0) return;
        byte[] bytes = fields.bytes();
        for (int line = 0; line < fields.count(); line++) {
            int start = fields.lineStart(line);
            if (drops(bytes, start, fields.nameEnd(line))) fields.nominate(line);
        }
    }

    private boolean drops(byte[] bytes, int start, int end) {
        if ((lengths & 1L << end - start) == 0) return false;
        for (byte[] name : dropped)
            if (Ascii.equalsIgnoreCase(bytes, start, end, name)) return true;
        return false;
    }

    /// Shall a field of this name go?
    public boolean drops(byte[] name) {
        return drops(name, 0, name.length);
    }

    /// Of the names that shall go, those that Bascule writes into requests: a bit each at `1 << code`, see [FieldName].
    public int droppedCodes() {
        return droppedCodes;
    }

    /// The Host line that takes the place of the request's; empty where that stays.
    public byte[] host() {
        return host;
    }

    /// The lines that come, each with its CR LF. Not to be changed.
    public byte[] added() {
        return added;
    }

    /// By how many bytes a head can grow.
    public int growthBytes() {
        return host.length + added.length;
    }
}
