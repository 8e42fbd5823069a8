package bascule.http1;

import bascule.http.FieldName;
import bascule.http.HeaderBlock;
import bascule.http.RequestHead;
import bascule.http.ResponseHead;
import java.util.StringJoiner;

/// What a parser said, as text: `more`, a fault's name, or every property of the head, so that two readers can be
/// compared.
final class Described {
    static final String MORE = "more";
    static final String MALFORMED = "MALFORMED";

    private Described() {}

    static String request(int code, RequestHead head) {
        if (code == RequestParser.NEED_MORE) return MORE;
        if (code < 0) return RequestParser.rejection(code).name();
        if (head.length != code)
            throw new AssertionError("length " + head.length + " (expected: " + code + ")");
        HeaderBlock fields = head.fields;
        StringJoiner all = new StringJoiner("\n");
        all.add("bytes=" + code);
        all.add("method=" + fields.text(head.methodStart, head.methodEnd));
        all.add("known-method=" + head.method);
        all.add("target=" + fields.text(head.targetStart, head.targetEnd));
        all.add("form=" + head.form);
        all.add("path=" + fields.text(head.pathStart, head.pathEnd));
        all.add("route=" + routePath(head));
        all.add("host=" + fields.text(head.hostStart, head.hostEnd));
        all.add("authority=" + fields.text(head.hostStart, head.authorityEnd));
        all.add("version=1." + head.minorVersion);
        all.add("body=" + (head.chunked ? "chunked" : head.contentLength));
        all.add("keep-alive=" + head.keepAlive);
        all.add("continue=" + head.expectContinue);
        all.add("upgrade=" + (head.upgradeLine < 0 ? "none" : fields.value(head.upgradeLine)));
        all.add("trailers=" + head.acceptsTrailers);
        if (head.chunked != (head.contentLength == -1))
            throw new AssertionError("length " + head.contentLength);
        return fields(all, fields, head.length);
    }

    static String routePath(RequestHead head) {
        StringBuilder path = new StringBuilder();
        for (int i = head.routePathStart; i < head.routePathEnd; i++)
            path.append((char) (head.routePath[i] & 0xff));
        return path.toString();
    }

    static String response(int code, ResponseHead head) {
        if (code == ResponseParser.NEED_MORE) return MORE;
        if (code == ResponseParser.MALFORMED) return MALFORMED;
        if (head.length != code)
            throw new AssertionError("length " + head.length + " (expected: " + code + ")");
        HeaderBlock fields = head.fields;
        StringJoiner all = new StringJoiner("\n");
        all.add("bytes=" + code);
        all.add("version=1." + head.minorVersion);
        all.add("status=" + head.status);
        all.add("reason=" + fields.text(head.reasonStart, head.reasonEnd));
        all.add("framing=" + head.framing);
        all.add("length=" + head.contentLength);
        all.add("keep-alive=" + head.keepAlive);
        all.add("upgrade=" + (head.upgradeLine < 0 ? "none" : fields.value(head.upgradeLine)));
        return fields(all, fields, head.length);
    }

    private static String fields(StringJoiner all, HeaderBlock fields, int length) {
        StringJoiner dropped = new StringJoiner(" ");
        for (int line = 0; line < fields.count(); line++) {
            String name = fields.text(fields.lineStart(line), fields.nameEnd(line));
            all.add("field=" + fields.name(line) + " " + name + ": " + fields.value(line));
            if (fields.nominated(line)) dropped.add(line + ":" + name);
            int next = line + 1 < fields.count() ? fields.lineStart(line + 1) : length - 2;
            if (fields.lineEnd(line) != next)
                throw new AssertionError("line " + line + " ends at " + fields.lineEnd(line));
            if (fields.name(line) < 0 || fields.name(line) >= FieldName.COUNT)
                throw new AssertionError();
        }
        return all.add("dropped=" + dropped).toString();
    }
}
