package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.config.ForwardedConfig;
import bascule.config.XForwarded;
import bascule.http.ClientInfo;
import bascule.http.FieldEdits;
import bascule.http.FieldName;
import bascule.http.FrontStream;
import bascule.http.HeaderBlock;
import bascule.http.Method;
import bascule.http.Protocol;
import bascule.http.RequestHead;
import bascule.http.RequestHead.TargetForm;
import bascule.http1.HeadWriter;
import bascule.observe.AccessLine;
import bascule.route.PathRewrite;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/// The head that a server gets for the head a client sent: hop-by-hop and nominated fields stay behind (RFC 9110 §7.6.1), what
/// says who asked is added (RFC 7239, RFC 9110 §7.6.3). One per loop.
///
/// What of the forwarded fields a client may claim: a peer in `trust` is believed, and its X-Forwarded-For is continued; any
/// other's fields are dropped. With `x-forwarded = append` the list of addresses is continued for everyone, with `off` the
/// X-Forwarded fields pass as they are.
final class RequestRewriter {
    static final int ID_LENGTH = 32;

    private static final byte[] HTTP_1_1 = " HTTP/1.1\r\n".getBytes(US_ASCII);
    private static final byte[] HOST = "Host: ".getBytes(US_ASCII);
    private static final byte[] CONNECTION_UPGRADE = "Connection: Upgrade\r\n".getBytes(US_ASCII);
    private static final byte[] TE_TRAILERS =
            "TE: trailers\r\nConnection: TE\r\n".getBytes(US_ASCII);
    private static final byte[] X_FORWARDED_FOR = "X-Forwarded-For: ".getBytes(US_ASCII);
    private static final byte[] X_FORWARDED_PROTO_HTTP =
            "X-Forwarded-Proto: http\r\n".getBytes(US_ASCII);
    private static final byte[] X_FORWARDED_PROTO_HTTPS =
            "X-Forwarded-Proto: https\r\n".getBytes(US_ASCII);
    private static final byte[] X_FORWARDED_HOST = "X-Forwarded-Host: ".getBytes(US_ASCII);
    private static final byte[] FORWARDED = "Forwarded: for=".getBytes(US_ASCII);
    private static final byte[] FORWARDED_HOST = ";host=\"".getBytes(US_ASCII);
    private static final byte[] FORWARDED_PROTO_HTTP = ";proto=http\r\n".getBytes(US_ASCII);
    private static final byte[] FORWARDED_PROTO_HTTPS = ";proto=https\r\n".getBytes(US_ASCII);
    private static final byte[] X_CLIENT_CERT_SUBJECT =
            "X-Client-Cert-Subject: ".getBytes(US_ASCII);
    private static final byte[] X_CLIENT_CERT_FINGERPRINT =
            "X-Client-Cert-Fingerprint: ".getBytes(US_ASCII);
    private static final byte[] VIA_1_0 = "Via: 1.0 bascule\r\n".getBytes(US_ASCII);
    private static final byte[] VIA_1_1 = "Via: 1.1 bascule\r\n".getBytes(US_ASCII);
    private static final byte[] VIA_2_0 = "Via: 2.0 bascule\r\n".getBytes(US_ASCII);
    private static final byte[] X_REQUEST_ID = "X-Request-ID: ".getBytes(US_ASCII);
    private static final byte[] HEX = "0123456789abcdef".getBytes(US_ASCII);

    private final HeadWriter out;
    private final ByteBufAllocator allocator;
    private final byte[] id = new byte[ID_LENGTH];
    private long idState;
    private int idLine;

    private static final int NO_ID = -1;
    private static final int NEW_ID = -2;

    /// @param seed of the request IDs; different for every loop and start
    RequestRewriter(HeadWriter out, ByteBufAllocator allocator, long seed) {
        this.out = out;
        this.allocator = allocator;
        idState = seed;
    }

    /// Logs the ID that the head rewritten last carries to the server, if it has one.
    void logId(AccessLine line, RequestHead head) {
        HeaderBlock fields = head.fields;
        if (idLine == NEW_ID) line.requestId(id, 0, ID_LENGTH);
        else if (idLine != NO_ID)
            line.requestId(fields.bytes(), fields.valueStart(idLine), fields.valueEnd(idLine));
    }

    /// Draws another request ID: 128 bits, unique but not secret.
    private void newId() {
        hex(mix(idState += 0x9E3779B97F4A7C15L), 0);
        hex(mix(idState += 0x9E3779B97F4A7C15L), 16);
    }

    private static long mix(long z) { // SplitMix64: Steele, Lea, Flood, OOPSLA 2014.
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }

    private void hex(long bits, int at) {
        for (int i = 15; i >= 0; i--, bits >>>= 4) id[at + i] = HEX[(int) bits & 15];
    }

    /// @param in owned by the callee; begins with `head`
    /// @param edits have the last word on all lines but those of framing and of the connection; lines that they drop are nominated
    /// @param path null = the path stays as it is
    /// @return what to send: the new head, and the body bytes that stood behind the old one
    ByteBuf rewrite(
            RequestHead head,
            ByteBuf in,
            FrontStream front,
            ForwardedConfig forwarded,
            FieldEdits edits,
            @Nullable PathRewrite path) {
        HeaderBlock fields = head.fields;
        ClientInfo client = front.client();
        boolean trusted = client.trusted();
        XForwarded mode = forwarded.xForwarded();
        boolean keepHost = head.form != TargetForm.ABSOLUTE;
        int dropped = edits.droppedCodes(); // What edits drop is not written by us either.
        boolean hasHost = has(dropped, FieldName.HOST);
        boolean hasProto = has(dropped, FieldName.X_FORWARDED_PROTO);
        boolean hasForwardedHost = has(dropped, FieldName.X_FORWARDED_HOST);
        idLine = NO_ID;
        out.clear();
        startLine(head, path);
        if (edits != FieldEdits.NONE) {
            edits.mark(fields);
            out.put(edits.host());
        }
        int run = 0; // First of the lines that are kept and not written yet.
        int count = fields.count();
        for (int line = 0; line < count; line++) {
            boolean keep =
                    !has(dropped, fields.name(line))
                            && switch (fields.name(line)) {
                                case FieldName.OTHER,
                                        FieldName.TRAILER,
                                        FieldName.CONTENT_LENGTH,
                                        FieldName.VIA ->
                                        !fields.nominated(line);
                                case FieldName.TRANSFER_ENCODING -> true;
                                case FieldName.HOST -> keepHost && (hasHost = true);
                                case FieldName.EXPECT -> !fields.nominated(line);
                                case FieldName.UPGRADE -> line == head.upgradeLine;
                                case FieldName.X_FORWARDED_FOR -> mode == XForwarded.OFF;
                                case FieldName.X_FORWARDED_PROTO ->
                                        mode == XForwarded.OFF
                                                || (trusted && !hasProto && (hasProto = true));
                                case FieldName.X_FORWARDED_HOST ->
                                        mode == XForwarded.OFF
                                                || (trusted
                                                        && !hasForwardedHost
                                                        && (hasForwardedHost = true));
                                case FieldName.FORWARDED -> trusted;
                                // A proxy in front may have asked for a certificate; a client may
                                // not say that it has one.
                                case FieldName.X_CLIENT_CERT_SUBJECT,
                                        FieldName.X_CLIENT_CERT_FINGERPRINT ->
                                        trusted && client.certificateFingerprint() == null;
                                case FieldName.X_REQUEST_ID -> {
                                    boolean believed =
                                            (trusted && idLine == NO_ID) || !forwarded.requestId();
                                    if (believed) idLine = line;
                                    yield believed;
                                }
                                default -> false; // Connection, Keep-Alive, Proxy-Connection, TE,
                                    // HTTP2-Settings.
                            };
            if (keep) continue;
            out.putLines(fields, run, line);
            run = line + 1;
        }
        out.putLines(fields, run, count);
        if (!hasHost) {
            out.put(HOST);
            host(head, front);
            crlf();
        }
        if (head.upgradeLine >= 0) out.put(CONNECTION_UPGRADE);
        else if (head.acceptsTrailers) out.put(TE_TRAILERS);
        if (mode != XForwarded.OFF) {
            if (!has(dropped, FieldName.X_FORWARDED_FOR))
                forwardedFor(fields, client, mode == XForwarded.APPEND || trusted);
            if (!hasProto)
                out.put(client.tls() == null ? X_FORWARDED_PROTO_HTTP : X_FORWARDED_PROTO_HTTPS);
            if (!hasForwardedHost) {
                out.put(X_FORWARDED_HOST);
                host(head, front);
                crlf();
            }
        }
        if (client.certificateFingerprint() != null) certificate(client, dropped);
        if (forwarded.forwarded() && !has(dropped, FieldName.FORWARDED))
            forwarded(head, front, client);
        if (forwarded.via() && !has(dropped, FieldName.VIA)) out.put(via(head.protocol()));
        if (forwarded.requestId() && idLine == NO_ID && !has(dropped, FieldName.X_REQUEST_ID)) {
            newId();
            idLine = NEW_ID;
            out.put(X_REQUEST_ID);
            out.put(id);
            crlf();
        }
        if (edits != FieldEdits.NONE) out.put(edits.added());
        crlf();
        return out.replace(in, head.length, allocator);
    }

    private static byte[] via(Protocol protocol) {
        return switch (protocol) {
            case HTTP_1_0 -> VIA_1_0;
            case HTTP_1_1 -> VIA_1_1;
            case HTTP_2 -> VIA_2_0;
        };
    }

    private static boolean has(int codes, byte code) {
        return (codes >>> code & 1) != 0;
    }

    private void startLine(RequestHead head, @Nullable PathRewrite path) {
        byte[] bytes = head.fields.bytes();
        if (path != null) {
            out.put(bytes, head.methodStart, head.methodEnd);
            out.put(' ');
            path.put(head, out);
        } else if (head.form
                == TargetForm.ABSOLUTE) { // A server is asked in origin form (RFC 9112 §3.2.1).
            out.put(bytes, head.methodStart, head.methodEnd);
            out.put(' ');
            if (head.pathStart == head.pathEnd)
                out.put(
                        head.method == Method.OPTIONS && head.pathEnd == head.targetEnd
                                ? '*'
                                : '/');
            out.put(bytes, head.pathStart, head.targetEnd);
        } else {
            out.put(bytes, head.methodStart, head.targetEnd);
        }
        out.put(HTTP_1_1);
    }

    private void host(RequestHead head, FrontStream front) {
        if (head.hostStart == head.hostEnd) out.put(front.localAuthority());
        else out.put(head.fields.bytes(), head.hostStart, head.authorityEnd);
    }

    private void forwardedFor(HeaderBlock fields, ClientInfo client, boolean keepList) {
        out.put(X_FORWARDED_FOR);
        if (keepList) {
            for (int line = 0; line < fields.count(); line++) {
                if (fields.name(line) != FieldName.X_FORWARDED_FOR
                        || fields.valueStart(line) == fields.valueEnd(line)) continue;
                out.put(fields.bytes(), fields.valueStart(line), fields.valueEnd(line));
                out.put(',');
                out.put(' ');
            }
        }
        out.put(client.text(), client.addressStart(), client.addressEnd());
        crlf();
    }

    private void forwarded(RequestHead head, FrontStream front, ClientInfo client) {
        out.put(FORWARDED);
        if (client.isIpv6()) { // An IPv6 address stands in brackets and quotes (RFC 7239 §6).
            out.put('"');
            out.put(client.text(), client.addressStart() - 1, client.addressEnd() + 1);
            out.put('"');
        } else {
            out.put(client.text(), client.addressStart(), client.addressEnd());
        }
        out.put(FORWARDED_HOST);
        host(head, front);
        out.put('"');
        out.put(client.tls() == null ? FORWARDED_PROTO_HTTP : FORWARDED_PROTO_HTTPS);
    }

    private void certificate(ClientInfo client, int dropped) {
        field(
                X_CLIENT_CERT_SUBJECT,
                client.certificateSubject(),
                FieldName.X_CLIENT_CERT_SUBJECT,
                dropped);
        field(
                X_CLIENT_CERT_FINGERPRINT,
                client.certificateFingerprint(),
                FieldName.X_CLIENT_CERT_FINGERPRINT,
                dropped);
    }

    private void field(byte[] name, byte @Nullable [] value, byte code, int dropped) {
        if (value == null || has(dropped, code)) return;
        out.put(name);
        out.put(value);
        crlf();
    }

    private void crlf() {
        out.put('\r');
        out.put('\n');
    }
}
