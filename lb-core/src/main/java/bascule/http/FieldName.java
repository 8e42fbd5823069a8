package bascule.http;

/// Codes of the field names that Bascule acts on; every other name is [#OTHER]. Plain bytes, because a [HeaderBlock] holds
/// one per line.
public final class FieldName {
    public static final byte OTHER = 0;
    public static final byte HOST = 1;
    public static final byte CONTENT_LENGTH = 2;
    public static final byte TRANSFER_ENCODING = 3;
    public static final byte CONNECTION = 4;
    public static final byte KEEP_ALIVE = 5;
    public static final byte PROXY_CONNECTION = 6;
    public static final byte TE = 7;
    public static final byte TRAILER = 8;
    public static final byte UPGRADE = 9;
    public static final byte HTTP2_SETTINGS = 10;
    public static final byte EXPECT = 11;
    public static final byte X_FORWARDED_FOR = 12;
    public static final byte X_FORWARDED_PROTO = 13;
    public static final byte X_FORWARDED_HOST = 14;
    public static final byte FORWARDED = 15;
    public static final byte VIA = 16;
    public static final byte X_REQUEST_ID = 17;
    public static final byte X_CLIENT_CERT_SUBJECT = 18;
    public static final byte X_CLIENT_CERT_FINGERPRINT = 19;

    /// One more than the highest code; below 32, for sets of codes are bits of an int.
    public static final int COUNT = 20;

    private FieldName() {}
}
