package bascule.config;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/// The bytes of a [PageFile]. Two with the same bytes are equal.
public final class PageContent {
    private final byte[] bytes;

    private PageContent(byte[] bytes) {
        this.bytes = bytes;
    }

    public static PageContent of(byte[] bytes) {
        return new PageContent(bytes.clone());
    }

    public int length() {
        return bytes.length;
    }

    public byte[] copy() {
        return bytes.clone();
    }

    /// SHA-256, 64 lower-case hex digits.
    public String fingerprint() {
        return sha256(bytes);
    }

    static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PageContent that && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return bytes.length + " bytes, sha256 " + fingerprint();
    }
}
