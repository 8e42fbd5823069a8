package bascule.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

/// Field lines as they lay on the wire: one array of bytes, and per line where its name and value stand. One instance is
/// reused for every head of an event loop, so nothing of it may be kept past the call that received it.
///
/// Line `i` occupies `[lineStart(i), lineEnd(i))` with its CR LF; its name `[lineStart(i), nameEnd(i))`, its value without
/// surrounding white space `[valueStart(i), valueEnd(i))`.
public final class HeaderBlock {
    /// Bytes of the array past the longest head, so that a parser may read whole words up to its end and mark it.
    private static final int SLACK = 8;

    private static final int SPANS = 5;

    private byte[] bytes;
    private final int[] spans;
    private final byte[] names;
    private final boolean[] nominated;
    private int count;

    /// @param capacityBytes longest head this block can hold, start line and final CR LF included
    /// @param capacityLines most field lines it can hold
    public HeaderBlock(int capacityBytes, int capacityLines) {
        bytes = new byte[capacityBytes + SLACK];
        spans = new int[capacityLines * SPANS];
        names = new byte[capacityLines];
        nominated = new boolean[capacityLines];
    }

    /// The head's bytes, start line first; eight bytes longer than [#capacityBytes()]. Shared, not copied.
    public byte[] bytes() {
        return bytes;
    }

    /// Longest head this block can hold.
    public int capacityBytes() {
        return bytes.length - SLACK;
    }

    public int capacityLines() {
        return names.length;
    }

    public int count() {
        return count;
    }

    public void clear() {
        count = 0;
    }

    /// Adds a line; the caller keeps within [#capacityLines()].
    ///
    /// @param name a code of [FieldName]
    public void add(
            byte name, int lineStart, int nameEnd, int valueStart, int valueEnd, int lineEnd) {
        int line = count++;
        int at = line * SPANS;
        spans[at] = lineStart;
        spans[at + 1] = nameEnd;
        spans[at + 2] = valueStart;
        spans[at + 3] = valueEnd;
        spans[at + 4] = lineEnd;
        names[line] = name;
        nominated[line] = false;
    }

    /// The [FieldName] code of a line.
    public byte name(int line) {
        return names[line];
    }

    public int lineStart(int line) {
        return spans[line * SPANS];
    }

    public int nameEnd(int line) {
        return spans[line * SPANS + 1];
    }

    public int valueStart(int line) {
        return spans[line * SPANS + 2];
    }

    public int valueEnd(int line) {
        return spans[line * SPANS + 3];
    }

    public int lineEnd(int line) {
        return spans[line * SPANS + 4];
    }

    /// Was the line named by a Connection field, and so is meant for this hop only (RFC 9110 §7.6.1)?
    public boolean nominated(int line) {
        return nominated[line];
    }

    public void nominate(int line) {
        nominated[line] = true;
    }

    /// First line with that known name, or -1.
    public int find(byte name) {
        for (int line = 0; line < count; line++) if (names[line] == name) return line;
        return -1;
    }

    /// First line whose name equals `lowerCase` without regard to case, or -1. For names without a code.
    public int find(byte[] lowerCase) {
        for (int line = 0; line < count; line++) {
            int start = lineStart(line);
            if (nameEnd(line) - start == lowerCase.length
                    && Ascii.equalsIgnoreCase(bytes, start, lowerCase)) return line;
        }
        return -1;
    }

    /// A line's value as text; for tests and rare paths, since it allocates.
    public String value(int line) {
        return text(valueStart(line), valueEnd(line));
    }

    /// Bytes `[start, end)` as text; for tests and rare paths, since it allocates.
    public String text(int start, int end) {
        return new String(bytes, start, end - start, ISO_8859_1);
    }
}
