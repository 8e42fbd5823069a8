package bascule.http;

/// Comparisons of ASCII bytes in place.
public final class Ascii {
    private Ascii() {}

    /// Lower case of one byte; all but `A`–`Z` stay as they are.
    public static byte lower(byte b) {
        return b >= 'A' && b <= 'Z' ? (byte) (b | 0x20) : b;
    }

    /// Are the `lowerCase.length` bytes from `start` equal to `lowerCase` without regard to case? The caller has checked
    /// that so many are there.
    public static boolean equalsIgnoreCase(byte[] bytes, int start, byte[] lowerCase) {
        for (int i = 0; i < lowerCase.length; i++)
            if (lower(bytes[start + i]) != lowerCase[i]) return false;
        return true;
    }

    /// The same for a range that may be of another length.
    public static boolean equalsIgnoreCase(byte[] bytes, int start, int end, byte[] lowerCase) {
        return end - start == lowerCase.length && equalsIgnoreCase(bytes, start, lowerCase);
    }
}
