package bascule.http1;

import static bascule.http1.Described.MORE;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.regex.Pattern.CASE_INSENSITIVE;

import bascule.http.Rejection;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// HTTP/1.1 heads read the slow way: strings, maps and the grammar of RFC 9112 as regular expressions. Shares no code
/// with the parsers that it judges. Answers what [Described] says of them.
final class Reference {
    static final String TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
    private static final String MOST = BigInteger.TWO.pow(63).subtract(BigInteger.ONE).toString();

    private static final Pattern METHOD = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32} ");
    private static final Pattern TARGET = Pattern.compile("[\\x21-\\x7e&&[^#]]+ ");
    private static final Pattern LAX_TARGET = Pattern.compile("[\\x21-\\xff&&[^#\\x7f]]+ ");
    private static final Pattern VERSION = Pattern.compile("HTTP/[0-9]\\.[0-9]");
    private static final Pattern STATUS_LINE =
            Pattern.compile(
                    "HTTP/1\\.[01] [1-5][0-9][0-9](?=[ \\r]) ?[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n");
    private static final Pattern NAME = Pattern.compile(TOKEN + ":");
    private static final Pattern LAX_NAME = Pattern.compile(TOKEN + " *:");
    private static final Pattern VALUE = Pattern.compile("[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n");
    private static final Pattern NUL_VALUE =
            Pattern.compile("[\\t\\x00\\x20-\\x7e\\x80-\\xff]*\\r\\n");
    private static final Pattern LF_VALUE = Pattern.compile("[\\t\\x20-\\x7e\\x80-\\xff]*\\r?\\n");
    private static final Pattern FOLDED_VALUE =
            Pattern.compile("(?:[\\t\\x20-\\x7e\\x80-\\xff]|\\r\\n[\\t ])*+\\r\\n");
    private static final Pattern END = Pattern.compile("\\r\\n");
    private static final Pattern ABSOLUTE =
            Pattern.compile("(https?)://([^/?]+)(/[^?]*)?(\\?.*)?", CASE_INSENSITIVE);
    private static final Pattern AUTHORITY =
            Pattern.compile("(\\[[^\\]]*\\]|[^:\\[]+)(?::([0-9]{1,5}))?");
    private static final Pattern HOST_NAME =
            Pattern.compile("[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*\\.?");

    /// RFC 3986, appendix A, word for word.
    private static final Pattern IPV6;

    static {
        String h16 = "[0-9A-Fa-f]{1,4}";
        String octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9][0-9]|[0-9])";
        String ipv4 = octet + "(?:\\." + octet + "){3}";
        String ls32 = "(?:" + h16 + ":" + h16 + "|" + ipv4 + ")";
        IPV6 =
                Pattern.compile(
                        String.join(
                                "|",
                                "(?:" + h16 + ":){6}" + ls32,
                                "::(?:" + h16 + ":){5}" + ls32,
                                "(?:" + h16 + ")?::(?:" + h16 + ":){4}" + ls32,
                                "(?:(?:" + h16 + ":){0,1}" + h16 + ")?::(?:" + h16 + ":){3}" + ls32,
                                "(?:(?:" + h16 + ":){0,2}" + h16 + ")?::(?:" + h16 + ":){2}" + ls32,
                                "(?:(?:" + h16 + ":){0,3}" + h16 + ")?::" + h16 + ":" + ls32,
                                "(?:(?:" + h16 + ":){0,4}" + h16 + ")?::" + ls32,
                                "(?:(?:" + h16 + ":){0,5}" + h16 + ")?::" + h16,
                                "(?:(?:" + h16 + ":){0,6}" + h16 + ")?::"));
    }

    private static final Map<String, Integer> CODES = new HashMap<>();

    static {
        String[] names = {
            "",
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "upgrade",
            "http2-settings",
            "expect",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-host",
            "forwarded",
            "via",
            "x-request-id",
            "x-client-cert-subject",
            "x-client-cert-fingerprint"
        };
        for (int code = 1; code < names.length; code++) CODES.put(names[code], code);
    }

    private static final Set<String> PROTECTED =
            Set.of(
                    "age",
                    "alt-svc",
                    "authorization",
                    "cache-control",
                    "clear-site-data",
                    "connection",
                    "content-disposition",
                    "content-encoding",
                    "content-length",
                    "content-location",
                    "content-range",
                    "content-security-policy",
                    "content-type",
                    "cookie",
                    "cookie2",
                    "date",
                    "expect",
                    "expires",
                    "forwarded",
                    "host",
                    "http2-settings",
                    "keep-alive",
                    "location",
                    "max-forwards",
                    "origin",
                    "pragma",
                    "range",
                    "referer",
                    "refresh",
                    "retry-after",
                    "set-cookie",
                    "set-cookie2",
                    "strict-transport-security",
                    "te",
                    "trailer",
                    "transfer-encoding",
                    "upgrade",
                    "vary",
                    "via",
                    "warning",
                    "www-authenticate",
                    "x-real-ip",
                    "x-request-id");
    private static final Pattern PROTECTED_PREFIX =
            Pattern.compile("(access-control|if|proxy|sec|x-client-cert|x-forwarded)-.*");

    private static final Map<String, String> KNOWN_METHODS = new TreeMap<>();

    static {
        for (String method :
                List.of(
                        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE",
                        "CONNECT")) KNOWN_METHODS.put(method, method);
    }

    private record Field(String name, String value) {
        String key() {
            return name.toLowerCase(Locale.ROOT);
        }

        /// CGI hands `_` and `-` to programs as one: so it is with the names that servers believe.
        int code() {
            String alias = key().replace('_', '-');
            return CODES.getOrDefault(alias.startsWith("x-") ? alias : key(), 0);
        }
    }

    /// A verdict on the input as a whole, thrown from wherever it is found.
    private static final class Verdict extends RuntimeException {
        private static final long serialVersionUID = 1;

        Verdict(String what) {
            super(what, null, false, false);
        }
    }

    private final String wire;
    private final boolean full;
    private final HeadLimits limits;
    private final Fault fault;
    private final List<Field> fields = new ArrayList<>();
    private final List<Integer> dropped = new ArrayList<>();
    private int at;

    private Reference(String wire, HeadLimits limits, Fault fault) {
        this.full = wire.length() >= limits.headBytes();
        this.wire = full ? wire.substring(0, limits.headBytes()) : wire;
        this.limits = limits;
        this.fault = fault;
    }

    static boolean isProtected(String name) {
        String key = name.toLowerCase(Locale.ROOT).replace('_', '-');
        return PROTECTED.contains(key) || PROTECTED_PREFIX.matcher(key).matches();
    }

    static String request(String wire, HeadLimits limits, Fault fault) {
        Reference reference = new Reference(wire, limits, fault);
        try {
            return reference.request();
        } catch (Verdict verdict) {
            String what = verdict.getMessage();
            return what.equals(MORE) && reference.full ? Rejection.HEADERS_TOO_LARGE.name() : what;
        }
    }

    static String response(String wire, HeadLimits limits, boolean toHead, Fault fault) {
        Reference reference = new Reference(wire, limits, fault);
        try {
            return reference.response(toHead);
        } catch (Verdict verdict) {
            return verdict.getMessage().equals(MORE) && !reference.full
                    ? MORE
                    : Described.MALFORMED;
        }
    }

    private static Verdict because(Rejection rejection) {
        return new Verdict(rejection.name());
    }

    /// Takes what the pattern matches at the current place; says whether more could help if it does not.
    @SuppressWarnings(
            "JdkObsolete") // hitEnd() knows just that: would more input change the answer?
    private String take(Pattern pattern, String text, Verdict otherwise, Verdict cut) {
        Matcher matcher = pattern.matcher(text).region(at, text.length());
        if (matcher.lookingAt()) {
            at = matcher.end();
            return matcher.group();
        }
        throw matcher.hitEnd() ? cut : otherwise;
    }

    private String request() {
        Verdict more = new Verdict(MORE);
        if (wire.startsWith("\r")) take(END, wire, because(Rejection.REQUEST_LINE), more);

        // The line may use so many bytes, the CR included; of what comes behind, it matters only
        // that it comes.
        int most = Math.min(wire.length(), at + limits.requestLineBytes() + 1);
        String line = wire.substring(0, most);
        Verdict cut =
                most == at + limits.requestLineBytes() + 1
                        ? because(Rejection.REQUEST_LINE_TOO_LONG)
                        : more;
        String method = trimmed(take(METHOD, line, because(Rejection.REQUEST_LINE), cut));
        Pattern targetPattern = fault == Fault.HIGH_BYTE_IN_TARGET ? LAX_TARGET : TARGET;
        int targetAt = at;
        String target;
        try {
            target = trimmed(take(targetPattern, line, because(Rejection.TARGET), cut));
        } catch (Verdict verdict) {
            if (!verdict.getMessage().equals(Rejection.TARGET.name())) throw verdict;
            while (targetPattern.matcher(line.charAt(at) + " ").matches()) at++;
            boolean noVersion = line.charAt(at) == '\r' || line.charAt(at) == ' ' && at == targetAt;
            throw noVersion ? because(Rejection.REQUEST_LINE) : verdict;
        }
        String version = take(VERSION, line, because(Rejection.REQUEST_LINE), cut).substring(5);
        if (!version.equals("1.0") && !version.equals("1.1")) throw because(Rejection.VERSION);
        take(Pattern.compile("\\r"), line, because(Rejection.REQUEST_LINE), cut);
        take(Pattern.compile("\\n"), wire, because(Rejection.REQUEST_LINE), more);
        boolean current = version.equals("1.1");

        if (method.equals("CONNECT") || method.equals("TRACE")) throw because(Rejection.METHOD);
        String form;
        String path;
        String authority = "";
        String scheme = "";
        Matcher absolute = ABSOLUTE.matcher(target);
        if (target.startsWith("/")) {
            form = "ORIGIN";
            path = target.replaceFirst("(?s)\\?.*", "");
        } else if (target.equals("*") && method.equals("OPTIONS")) {
            form = "ASTERISK";
            path = "*";
        } else if (absolute.matches()) {
            form = "ABSOLUTE";
            scheme = absolute.group(1).toLowerCase(Locale.ROOT);
            authority = absolute.group(2);
            path = absolute.group(3) == null ? "" : absolute.group(3);
            if (!isAuthority(authority)) throw because(Rejection.TARGET);
        } else {
            throw because(Rejection.TARGET);
        }
        String route = form.equals("ASTERISK") ? "*" : path.isEmpty() ? "/" : routePath(path);

        readFields(because(Rejection.FIELD), because(Rejection.TOO_MANY_HEADERS), more);

        String length = contentLength(because(Rejection.FRAMING));
        boolean chunked = isChunked(length, current, because(Rejection.FRAMING));
        List<Field> hosts = all("host");
        if (fault == Fault.TWO_HOSTS && hosts.size() > 1) hosts = hosts.subList(0, 1);
        if (hosts.size() > 1 || hosts.isEmpty() && current) throw because(Rejection.HOST);
        if (!hosts.isEmpty()) {
            String host = hosts.getFirst().value();
            if (!isAuthority(host)) throw because(Rejection.HOST);
            if (form.equals("ABSOLUTE")) {
                String usual = scheme.equals("https") ? "443" : "80";
                if (fault != Fault.TARGET_AND_HOST_DIFFER
                        && !canonical(host, usual).equals(canonical(authority, usual)))
                    throw because(Rejection.HOST);
            } else authority = host;
        }
        Set<String> options = connectionOptions(because(Rejection.FIELD));
        boolean hasBody = chunked || length != null && new BigInteger(length).signum() != 0;
        String upgrade = "none";
        if (current && options.contains("upgrade") && !all("upgrade").isEmpty()) {
            boolean h2c =
                    all("upgrade").stream()
                            .flatMap(field -> elements(field.value()).stream())
                            .anyMatch(
                                    element ->
                                            element.matches(
                                                    "(?i)h2c(?![!#$%&'*+.^_`|~0-9A-Za-z-]).*"));
            String first = all("upgrade").getFirst().value();
            if ((!h2c || fault == Fault.H2C_UPGRADE)
                    && first.matches("[!#$%&'*+.^_`|~0-9A-Za-z/, \t-]+")) upgrade = first;
        }
        boolean expects =
                all("expect").stream()
                        .flatMap(field -> elements(field.value()).stream())
                        .anyMatch(
                                element ->
                                        element.matches(
                                                "(?i)100-continue(?![!#$%&'*+.^_`|~0-9A-Za-z-]).*"));
        boolean trailers =
                all("te").stream()
                        .flatMap(field -> elements(field.value()).stream())
                        .anyMatch(
                                element ->
                                        element.matches(
                                                "(?i)trailers(?![!#$%&'*+.^_`|~0-9A-Za-z-]).*"));
        if (!current) dropAll("expect");

        StringJoiner out = new StringJoiner("\n");
        out.add("bytes=" + at);
        out.add("method=" + method);
        out.add("known-method=" + KNOWN_METHODS.getOrDefault(method, "OTHER"));
        out.add("target=" + target);
        out.add("form=" + form);
        out.add("path=" + path);
        out.add("route=" + route);
        out.add("host=" + host(authority));
        out.add("authority=" + authority);
        out.add("version=" + version);
        out.add("body=" + (chunked ? "chunked" : length == null ? "0" : number(length)));
        out.add("keep-alive=" + keepsAlive(options, current));
        out.add("continue=" + (expects && current && hasBody));
        out.add("upgrade=" + upgrade);
        out.add("trailers=" + (trailers && current && options.contains("te")));
        return describeFields(out);
    }

    private String response(boolean toHead) {
        Verdict bad = new Verdict(Described.MALFORMED);
        Verdict more = new Verdict(MORE);
        String line = take(STATUS_LINE, wire, bad, more);
        boolean current = line.charAt(7) == '1';
        int status = Integer.parseInt(line.substring(9, 12));
        String reason = line.substring(12, line.length() - 2);
        if (reason.startsWith(" ")) reason = reason.substring(1);
        readFields(bad, bad, more);

        String length = contentLength(bad);
        boolean chunked = isChunked(length, current, bad);
        Set<String> options = connectionOptions(bad);
        boolean bare = status < 200 || status == 204;
        if (bare && chunked) throw bad;
        boolean keepAlive = keepsAlive(options, current);
        String framing;
        String said = length == null ? "-1" : number(length);
        if (bare) {
            framing = "NONE";
            dropAll("content-length");
            if (length != null && !said.equals("0")) keepAlive = false;
            said = "-1";
        } else if (toHead || status == 304) {
            framing = "NONE";
        } else if (chunked) {
            framing = "CHUNKED";
        } else if (length != null) {
            framing = said.equals("0") ? "NONE" : "LENGTH";
        } else {
            framing = "UNTIL_CLOSE";
            keepAlive = false;
        }
        String upgrade = "none";
        if (status == 101) {
            keepAlive = false;
            if (!current || !options.contains("upgrade") || all("upgrade").isEmpty()) throw bad;
            upgrade = all("upgrade").getFirst().value();
        }

        StringJoiner out = new StringJoiner("\n");
        out.add("bytes=" + at);
        out.add("version=1." + (current ? 1 : 0));
        out.add("status=" + status);
        out.add("reason=" + reason);
        out.add("framing=" + framing);
        out.add("length=" + said);
        out.add("keep-alive=" + keepAlive);
        out.add("upgrade=" + upgrade);
        return describeFields(out);
    }

    private String describeFields(StringJoiner out) {
        StringJoiner droppedLines = new StringJoiner(" ");
        for (int line = 0; line < fields.size(); line++) {
            Field field = fields.get(line);
            out.add("field=" + field.code() + " " + field.name() + ": " + field.value());
            if (dropped.contains(line)) droppedLines.add(line + ":" + field.name());
        }
        return out.add("dropped=" + droppedLines).toString();
    }

    private void readFields(Verdict faulty, Verdict tooMany, Verdict more) {
        while (true) {
            if (at < wire.length() && wire.charAt(at) == '\r') {
                take(END, wire, faulty, more);
                return;
            }
            if (fault == Fault.LINE_FEED_ALONE && at < wire.length() && wire.charAt(at) == '\n') {
                at++;
                return;
            }
            String name =
                    take(fault == Fault.BLANK_BEFORE_COLON ? LAX_NAME : NAME, wire, faulty, more);
            Pattern pattern =
                    switch (fault) {
                        case NUL_IN_VALUE -> NUL_VALUE;
                        case LINE_FEED_ALONE -> LF_VALUE;
                        case FOLDED_LINE -> FOLDED_VALUE;
                        default -> VALUE;
                    };
            String value = take(pattern, wire, faulty, more);
            if (fields.size() == limits.headerCount()) throw tooMany;
            name = name.substring(0, name.length() - 1);
            fields.add(new Field(trimmed(name), value.replaceAll("^[ \t]+|[ \t]*\r?\n$", "")));
        }
    }

    private List<Field> all(String key) {
        return fields.stream().filter(field -> field.key().equals(key)).toList();
    }

    private void dropAll(String key) {
        for (int line = 0; line < fields.size(); line++)
            if (fields.get(line).key().equals(key)) dropped.add(line);
    }

    private String contentLength(Verdict bad) {
        String length = null;
        for (int line = 0; line < fields.size(); line++) {
            if (!fields.get(line).key().equals("content-length")) continue;
            String value = fields.get(line).value();
            if (fault == Fault.SIGNED_LENGTH) value = value.replaceFirst("^\\+", "");
            if (!value.matches("[0-9]{1,19}")) throw bad;
            if (fault != Fault.LENGTH_WRAPS
                    && new BigInteger(value).compareTo(new BigInteger(MOST)) > 0) throw bad;
            if (length != null) {
                if (fault != Fault.LAST_LENGTH_WINS
                        && !new BigInteger(length).equals(new BigInteger(value))) throw bad;
                dropped.add(line);
            }
            length = value;
        }
        return length;
    }

    private static String number(String digits) {
        return new BigInteger(digits).toString();
    }

    private boolean isChunked(String length, boolean current, Verdict bad) {
        List<Field> codings = all("transfer-encoding");
        if (codings.isEmpty()) return false;
        String coding = codings.getFirst().value();
        if (fault == Fault.CODING_BEFORE_CHUNKED) coding = coding.replaceFirst("^.*, *", "");
        if (length != null && fault != Fault.LENGTH_BESIDE_CHUNKED) throw bad;
        if (!current && fault != Fault.CHUNKED_IN_HTTP_1_0) throw bad;
        if (codings.size() > 1 || !coding.equalsIgnoreCase("chunked")) throw bad;
        return true;
    }

    private static List<String> elements(String list) {
        List<String> elements = new ArrayList<>();
        for (String element : list.split(",", -1)) {
            String trimmed = element.replaceAll("^[ \t]+|[ \t]+$", "");
            if (!trimmed.isEmpty()) elements.add(trimmed);
        }
        return elements;
    }

    private Set<String> connectionOptions(Verdict bad) {
        List<String> options = new ArrayList<>();
        for (Field field : all("connection"))
            for (String option : elements(field.value()))
                options.add(option.toLowerCase(Locale.ROOT));
        if (options.size() > 32) throw bad;
        for (String option : options) {
            if (!option.matches(TOKEN)) throw bad;
            if (option.equals("close") || fault == Fault.NOMINATION_FORGOTTEN) continue;
            if (!isProtected(option) || fault == Fault.NOMINATION_OF_HOST && option.equals("host"))
                dropAll(option);
        }
        return Set.copyOf(options);
    }

    private boolean keepsAlive(Set<String> options, boolean current) {
        if (fault == Fault.CLOSE_LOSES && options.contains("keep-alive")) return true;
        if (options.contains("close")) return false;
        return current || options.contains("keep-alive");
    }

    private static String host(String authority) {
        return authority.replaceFirst(":[0-9]*$", "");
    }

    private static String canonical(String authority, String usualPort) {
        String host = host(authority);
        String port = host.equals(authority) ? usualPort : authority.substring(host.length() + 1);
        return host.toLowerCase(Locale.ROOT) + ":" + Integer.parseInt(port);
    }

    private boolean isAuthority(String authority) {
        String written =
                fault == Fault.USER_IN_HOST ? authority.replaceFirst("^[^@]*@", "") : authority;
        return isAuthorityText(written);
    }

    static boolean isAuthorityText(String authority) {
        Matcher matcher = AUTHORITY.matcher(authority);
        if (!matcher.matches()) return false;
        String host = matcher.group(1);
        if (host.length() > 255) return false;
        if (host.startsWith("[")) {
            if (!IPV6.matcher(host.substring(1, host.length() - 1)).matches()) return false;
        } else if (!HOST_NAME.matcher(host).matches()) return false;
        if (matcher.group(2) == null) return true;
        int port = Integer.parseInt(matcher.group(2));
        return port >= 1 && port <= 65535;
    }

    private String routePath(String path) {
        String route = routePath(path, fault);
        if (route == null) throw because(Rejection.TARGET);
        return route;
    }

    /// Null if the path is refused.
    static String routePath(String path, Fault fault) {
        if (Pattern.compile("%(?![0-9A-Fa-f]{2})").matcher(path).find()) return null;
        if (fault != Fault.ENCODED_SLASH && path.toLowerCase(Locale.ROOT).contains("%2f"))
            return null;
        if (path.contains("%00")) return null;
        if (fault != Fault.BACKSLASH
                && (path.contains("\\") || path.toLowerCase(Locale.ROOT).contains("%5c")))
            return null;
        Deque<String> kept = new ArrayDeque<>();
        List<String> segments = List.of(path.substring(1).split("/", -1));
        for (int i = 0; i < segments.size(); i++) {
            String segment = percentDecoded(segments.get(i));
            boolean last = i == segments.size() - 1;
            if (segment.startsWith(".;") || segment.startsWith("..;")) return null;
            if (segment.equals("..")) {
                if (kept.isEmpty()) {
                    if (fault != Fault.CLIMB_STOPS_AT_ROOT) return null;
                } else kept.removeLast();
            } else if (!segment.equals(".")) kept.addLast(segment);
            if (last && (segment.equals(".") || segment.equals(".."))) kept.addLast("");
        }
        return "/" + String.join("/", kept);
    }

    private static String percentDecoded(String segment) {
        return Pattern.compile("%(..)")
                .matcher(segment)
                .replaceAll(
                        escape ->
                                Matcher.quoteReplacement(
                                        new String(
                                                new byte[] {
                                                    (byte) Integer.parseInt(escape.group(1), 16)
                                                },
                                                ISO_8859_1)));
    }

    private static String trimmed(String text) {
        return text.replaceFirst(" +$", "");
    }
}
