package bascule.route;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import bascule.http.FieldName;
import bascule.http.Method;
import bascule.http.RequestHead;
import bascule.http.RequestHead.TargetForm;
import java.util.Arrays;
import java.util.List;

/// Request heads for tests, as a parser would leave them. The path must be normalized already.
final class Heads {
    private static final int CAPACITY = 40_000;

    private Heads() {}

    /// @param authority as in Host; empty for none
    /// @param fields `name: value`
    static RequestHead head(String method, String authority, String target, String... fields) {
        return fill(new RequestHead(CAPACITY, 100), method, authority, target, List.of(fields));
    }

    static RequestHead fill(
            RequestHead head, String method, String authority, String target, List<String> fields) {
        byte[] bytes = head.fields.bytes();
        Arrays.fill(bytes, (byte) '!'); // Nobody may rely on what stands around a range.
        head.fields.clear();
        head.method =
                Arrays.stream(Method.values())
                        .filter(known -> known.name().equals(method) && known != Method.OTHER)
                        .findAny()
                        .orElse(Method.OTHER);
        int at = put(bytes, 0, "!!");
        head.methodStart = at;
        head.methodEnd = at = put(bytes, at, method);
        head.targetStart = at = put(bytes, at, " ");
        head.targetEnd = put(bytes, at, target);
        boolean absolute = target.startsWith("http://");
        head.form =
                absolute
                        ? TargetForm.ABSOLUTE
                        : target.equals("*") ? TargetForm.ASTERISK : TargetForm.ORIGIN;
        int pathFrom = absolute ? target.indexOf('/', 7) : 0;
        int query = target.indexOf('?');
        int pathTo = query < 0 ? target.length() : query;
        head.pathStart = at + (pathFrom < 0 ? pathTo : Math.min(pathFrom, pathTo));
        head.pathEnd = at + pathTo;
        head.routePath = bytes;
        head.routePathStart = head.pathStart;
        head.routePathEnd = head.pathEnd;
        at = put(bytes, head.targetEnd, " HTTP/1.1\r\n");
        head.minorVersion = 1;
        head.hostStart = head.hostEnd = head.authorityEnd = 0;
        if (absolute) {
            String host = target.substring(7, head.pathStart - head.targetStart);
            host(head, head.targetStart + 7, host);
        }
        if (!authority.isEmpty()) {
            if (!absolute) host(head, at + 6, authority);
            at = line(head, at, FieldName.HOST, "Host: " + authority);
        }
        for (String field : fields) at = line(head, at, FieldName.OTHER, field);
        head.length = put(bytes, at, "\r\n");
        return head;
    }

    private static void host(RequestHead head, int start, String authority) {
        int colon = authority.indexOf(':', authority.indexOf(']') + 1);
        head.hostStart = start;
        head.hostEnd = start + (colon < 0 ? authority.length() : colon);
        head.authorityEnd = start + authority.length();
    }

    private static int line(RequestHead head, int at, byte name, String field) {
        int colon = field.indexOf(':');
        int end = put(head.fields.bytes(), at, field + "\r\n");
        head.fields.add(name, at, at + colon, Math.min(at + colon + 2, end - 2), end - 2, end);
        return end;
    }

    private static int put(byte[] bytes, int at, String text) {
        byte[] from = text.getBytes(ISO_8859_1);
        System.arraycopy(from, 0, bytes, at, from.length);
        return at + from.length;
    }
}
