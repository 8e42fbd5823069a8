package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.config.OnDrain;
import bascule.config.StickyConfig;
import bascule.http.Ascii;
import bascule.http.FieldName;
import bascule.http.HeaderBlock;
import bascule.server.Server;
import bascule.server.ServerStatus;
import java.util.Arrays;
import java.util.Collection;
import java.util.IdentityHashMap;
import org.jspecify.annotations.Nullable;

/// Keeps the clients of one backend with the servers that they came to first: the cookie that a client sends names its server, by
/// a token that nobody else can make. The server sees the cookie, too. Immutable but for the servers' statuses; shared by all
/// loops.
///
/// A cookie counts as long as its server may be asked: not while it is down, ejected or disabled, and while it drains only with
/// `on-drain = finish`. Whoever is answered by another server than his cookie names gets a new cookie.
final class Sticky {
    static final byte[] NO_COOKIE = {};

    private static final byte[] COOKIE = "cookie".getBytes(US_ASCII);

    /// @param cookie `Set-Cookie`, with its CR LF
    private record Entry(Server server, byte[] token, byte[] cookie, byte[] secureCookie) {}

    private final byte[] name;
    private final OnDrain onDrain;

    /// Open addressing, at most half full. Tokens are as good as random, and clients cannot make any.
    private final @Nullable Entry[] byToken;

    private final IdentityHashMap<Server, Entry> byServer = new IdentityHashMap<>();

    Sticky(String backend, StickyConfig config, StickyKey key, Collection<Server> servers) {
        name = config.cookie().getBytes(US_ASCII);
        onDrain = config.onDrain();
        String age = config.lifetime().isZero() ? "" : "; Max-Age=" + config.lifetime().toSeconds();
        byToken = new Entry[Integer.highestOneBit(Math.max(servers.size(), 1)) * 4];
        for (Server server : servers) {
            String token = key.token(backend, server.name());
            String cookie =
                    "Set-Cookie: %s=%s; Path=/%s; HttpOnly; SameSite=Lax"
                            .formatted(config.cookie(), token, age);
            var entry =
                    new Entry(
                            server,
                            token.getBytes(US_ASCII),
                            (cookie + "\r\n").getBytes(US_ASCII),
                            (cookie + "; Secure\r\n").getBytes(US_ASCII));
            byServer.put(server, entry);
            int slot = slot(entry.token, 0, entry.token.length);
            while (byToken[slot] != null) slot = slot + 1 & byToken.length - 1;
            byToken[slot] = entry;
        }
    }

    /// What makes a server's answer keep the client there; empty if the server is none of these.
    ///
    /// @param secure does the client speak TLS with us? Then the cookie never travels without
    byte[] cookie(Server server, boolean secure) {
        Entry entry = byServer.get(server);
        if (entry == null) return NO_COOKIE;
        return secure ? entry.secureCookie : entry.cookie;
    }

    /// The server that a request's cookie names, if it may be asked; else null. Of several cookies of that name the first that
    /// names a server counts, since browsers send all that match, also those of a narrower path (RFC 6265 §5.4).
    @Nullable Server find(HeaderBlock fields) {
        byte[] bytes = fields.bytes();
        for (int line = 0; line < fields.count(); line++) {
            if (fields.name(line) != FieldName.OTHER) continue;
            if (!Ascii.equalsIgnoreCase(
                    bytes, fields.lineStart(line), fields.nameEnd(line), COOKIE)) continue;
            Server server = find(bytes, fields.valueStart(line), fields.valueEnd(line));
            if (server != null) return mayBeAsked(server.status()) ? server : null;
        }
        return null;
    }

    /// @param end of `name=value; name="value"` (RFC 6265 §4.2.1); whatever else stands there is passed over
    private @Nullable Server find(byte[] bytes, int start, int end) {
        int at = start;
        while (at < end) {
            int pair = at;
            int equals = -1;
            for (; at < end && bytes[at] != ';'; at++)
                if (equals < 0 && bytes[at] == '=') equals = at;
            int pairEnd = at++;
            if (equals < 0) continue;
            int nameStart = skipBlanks(bytes, pair, equals);
            int nameEnd = cutBlanks(bytes, nameStart, equals);
            if (!Arrays.equals(bytes, nameStart, nameEnd, name, 0, name.length)) continue;
            int value = skipBlanks(bytes, equals + 1, pairEnd);
            int valueEnd = cutBlanks(bytes, value, pairEnd);
            if (valueEnd - value >= 2 && bytes[value] == '"' && bytes[valueEnd - 1] == '"') {
                value++;
                valueEnd--;
            }
            Server server = byToken(bytes, value, valueEnd);
            if (server != null) return server;
        }
        return null;
    }

    private @Nullable Server byToken(byte[] bytes, int start, int end) {
        int slot = slot(bytes, start, end);
        for (Entry entry; (entry = byToken[slot]) != null; slot = slot + 1 & byToken.length - 1) {
            if (Arrays.equals(bytes, start, end, entry.token, 0, entry.token.length))
                return entry.server;
        }
        return null;
    }

    private int slot(byte[] bytes, int start, int end) {
        int hash = 0;
        for (int at = start; at < end && at < start + 6; at++) hash = hash * 31 + bytes[at];
        return hash & byToken.length - 1;
    }

    private boolean mayBeAsked(ServerStatus status) {
        boolean moves = onDrain == OnDrain.MOVE && status.admin() == ServerStatus.Admin.DRAINING;
        return !moves && !status.lost();
    }

    private static int skipBlanks(byte[] bytes, int start, int end) {
        int at = start;
        while (at < end && isBlank(bytes[at])) at++;
        return at;
    }

    private static int cutBlanks(byte[] bytes, int start, int end) {
        int at = end;
        while (at > start && isBlank(bytes[at - 1])) at--;
        return at;
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }
}
