package bascule.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.http.Ascii;
import java.util.Arrays;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/// Byte strings to values: an open-addressed table, filled once, that is asked with a range of an array and the hash of that
/// range. The caller computes the hash while it walks, so that each prefix or suffix of a range costs one more step and not
/// one more walk.
///
/// All keys are the operator's, so a client cannot lengthen a probe; a range of a length that no key has costs one bit test.
final class ByteMap<V> {
    private record Entry<V>(byte[] key, int hash, V value) {}

    private final @Nullable Entry<V>[] slots;
    private final int shift;
    private final long[] lengths;
    private final int longest;
    private final boolean foldCase;

    /// @param hash of a whole key, by [#step] in the direction in which the ranges will be walked
    /// @param foldCase whether ranges match without regard to ASCII case; the keys are then lower case
    @SuppressWarnings({"unchecked", "rawtypes"}) // Arrays have no generic creation.
    ByteMap(Map<String, V> entries, ToIntFunction<byte[]> hash, boolean foldCase) {
        int bits = 33 - Integer.numberOfLeadingZeros(entries.size()); // At most half full.
        slots = new Entry[1 << bits];
        shift = 32 - bits;
        longest =
                entries.keySet().stream()
                        .mapToInt(key -> key.getBytes(UTF_8).length)
                        .max()
                        .orElse(0);
        lengths = new long[(longest >>> 6) + 1];
        this.foldCase = foldCase;
        entries.forEach(
                (name, value) -> {
                    byte[] key = name.getBytes(UTF_8);
                    put(new Entry<>(key, hash.applyAsInt(key), value));
                });
    }

    private void put(Entry<V> entry) {
        lengths[entry.key.length >>> 6] |= 1L << entry.key.length;
        int slot = slot(entry.hash);
        while (slots[slot] != null) slot = slot + 1 & slots.length - 1;
        slots[slot] = entry;
    }

    /// The hash of what `hash` stands for and one more byte; 0 stands for nothing. Letters of either case hash alike.
    static int step(int hash, byte b) {
        return hash * 31 + (b | 0x20);
    }

    /// Length of the longest key; 0 without any.
    int longest() {
        return longest;
    }

    /// @param hash of the range
    /// @return the value whose key equals the range, or null
    @Nullable V find(byte[] bytes, int start, int end, int hash) {
        int length = end - start;
        if (length > longest || (lengths[length >>> 6] >>> length & 1) == 0) return null;
        Entry<V> entry;
        for (int slot = slot(hash);
                (entry = slots[slot]) != null;
                slot = slot + 1 & slots.length - 1) {
            if (entry.hash == hash && equal(bytes, start, end, entry.key)) return entry.value;
        }
        return null;
    }

    private boolean equal(byte[] bytes, int start, int end, byte[] key) {
        return foldCase
                ? Ascii.equalsIgnoreCase(bytes, start, end, key)
                : Arrays.equals(bytes, start, end, key, 0, key.length);
    }

    private int slot(int hash) {
        return hash * 0x9E3779B9 >>> shift; // Spreads what differs in the low bits only.
    }
}
