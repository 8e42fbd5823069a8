package bascule.config;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Where a redirect leads; path and query stay.
///
/// @param scheme `http` or `https`; null = the scheme of the request
/// @param host null = the host of the request
/// @param port 0 = not named: the port of the request if scheme and host stay too; that of [Configuration#httpsPort] if only the
///     scheme changes, to `https`; else the default port of the scheme
/// @param status 301, 302, 303, 307 or 308
public record RedirectConfig(@Nullable String scheme, @Nullable String host, int port, int status) {
    private static final Kind<String> SCHEME = Kind.choice(words("http", "https"));
    private static final Kind<Integer> STATUS =
            Kind.choice(words("301", "302", "303", "307", "308")).then(Integer::valueOf);

    /// @param own the scheme of the listener's requests
    static RedirectConfig read(Section at, String own) {
        String scheme = at.find("scheme", SCHEME);
        String host = at.find("host", HostPattern.EXACT);
        int port = at.get("port", Kind.count(1, 65_535), 0);
        int status = at.get("status", STATUS, 308);
        boolean isElsewhere = at.has("host") || at.has("port");
        boolean isScheme = scheme != null && !scheme.equals(own);
        if (!isElsewhere && !isScheme && (scheme != null || !at.has("scheme")))
            at.refuse("scheme", "leads back to where it came from", "another scheme, host or port");
        if (!isElsewhere && isScheme && "https".equals(scheme)) at.needsHttpsPort("scheme");
        return new RedirectConfig(scheme, host, port, status);
    }

    private static SequencedMap<String, String> words(String... words) {
        var same = new LinkedHashMap<String, String>();
        for (String word : words) same.put(word, word);
        return same;
    }
}
