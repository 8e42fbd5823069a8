package bascule.http1;

/// Mistakes that proxies have made, each to be planted in the reference: a comparison that does not see one is not
/// worth having.
enum Fault {
    NONE,
    LAST_LENGTH_WINS,
    SIGNED_LENGTH,
    LENGTH_WRAPS,
    LENGTH_BESIDE_CHUNKED,
    CODING_BEFORE_CHUNKED,
    CHUNKED_IN_HTTP_1_0,
    LINE_FEED_ALONE,
    FOLDED_LINE,
    BLANK_BEFORE_COLON,
    NUL_IN_VALUE,
    HIGH_BYTE_IN_TARGET,
    ENCODED_SLASH,
    BACKSLASH,
    CLIMB_STOPS_AT_ROOT,
    TWO_HOSTS,
    TARGET_AND_HOST_DIFFER,
    USER_IN_HOST,
    NOMINATION_FORGOTTEN,
    NOMINATION_OF_HOST,
    H2C_UPGRADE,
    CLOSE_LOSES
}
