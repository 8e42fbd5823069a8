package bascule.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.config.HeaderMatch;
import bascule.config.RouteConfig;
import bascule.http.Ascii;
import bascule.http.HeaderBlock;
import bascule.http.Method;
import bascule.http.RequestHead;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// One route whose host and path match: what else it asks for, and the next one to try if that fails. Lists share their
/// tails: the rules of `/a/b/` go on with those of `/a/`.
final class Rule {
    /// @param value null = presence is enough
    private record Field(byte[] name, byte @Nullable [] value) {}

    final Route route;
    final @Nullable Rule next;

    /// Empty = any method.
    private final EnumSet<Method> methods = EnumSet.noneOf(Method.class);

    /// What [Method#OTHER] may be.
    private final byte[][] otherMethods;

    private final Field[] fields;

    Rule(RouteConfig config, Route route, @Nullable Rule next) {
        this.route = route;
        this.next = next;
        for (String name : config.methods()) methods.add(known(name));
        // What may be asked for with GET may be asked for without its body (RFC 9110 §9.3.2):
        // nginx's `limit_except GET` and
        // HAProxy's METH_GET say the same, and a check by HEAD finds what GET would.
        if (methods.contains(Method.GET)) methods.add(Method.HEAD);
        List<String> others =
                config.methods().stream().filter(name -> known(name) == Method.OTHER).toList();
        otherMethods = others.stream().map(name -> name.getBytes(UTF_8)).toArray(byte[][]::new);
        fields = config.headers().stream().map(Rule::field).toArray(Field[]::new);
    }

    private static Method known(String name) {
        for (Method method : Method.values())
            if (method != Method.OTHER && method.name().equals(name)) return method;
        return Method.OTHER;
    }

    private static Field field(HeaderMatch header) {
        String value = header.value();
        return new Field(
                header.name().toLowerCase(Locale.ROOT).getBytes(UTF_8),
                value == null ? null : value.getBytes(UTF_8));
    }

    boolean matches(RequestHead head) {
        return (methods.isEmpty() || matchesMethod(head))
                && (fields.length == 0 || matchesFields(head.fields));
    }

    private boolean matchesMethod(RequestHead head) {
        if (!methods.contains(head.method)) return false;
        if (head.method != Method.OTHER) return true;
        byte[] bytes = head.fields.bytes();
        for (byte[] name : otherMethods) {
            if (Arrays.equals(bytes, head.methodStart, head.methodEnd, name, 0, name.length))
                return true;
        }
        return false;
    }

    private boolean matchesFields(HeaderBlock block) {
        for (Field field : fields) if (!isThere(field, block)) return false;
        return true;
    }

    /// A field may come in several lines; one that matches is enough.
    private static boolean isThere(Field field, HeaderBlock block) {
        byte[] bytes = block.bytes();
        byte[] value = field.value;
        for (int line = 0; line < block.count(); line++) {
            if (Ascii.equalsIgnoreCase(
                            bytes, block.lineStart(line), block.nameEnd(line), field.name)
                    && (value == null
                            || Arrays.equals(
                                    bytes,
                                    block.valueStart(line),
                                    block.valueEnd(line),
                                    value,
                                    0,
                                    value.length))) {
                return true;
            }
        }
        return false;
    }
}
