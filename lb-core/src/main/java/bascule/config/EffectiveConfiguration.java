package bascule.config;

import com.typesafe.config.ConfigUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// A [Configuration] as text, every default written out. Loads to an equal one.
public final class EffectiveConfiguration {
    private final StringBuilder text = new StringBuilder();
    private String indent = "";

    private EffectiveConfiguration() {}

    /// What `show-config` prints: HOCON, in a fixed order; no secrets, for they stand in files of their own. The hash is taken
    /// over this text and is not part of it.
    public static String render(Configuration configuration) {
        var effective = new EffectiveConfiguration();
        NodePart part = configuration.part();
        effective.configuration(part == null ? configuration : part.whole());
        return effective.text.toString();
    }

    private void configuration(Configuration all) {
        blockIf("cluster", all.cluster(), this::cluster);
        if (all.cluster() != null)
            block("floating-ips", () -> all.floatingIps().forEach(this::floatingIp));
        block("listeners", () -> all.listeners().forEach(this::listener));
        block("backends", () -> all.backends().forEach(this::backend));
        block(
                "admin",
                () -> {
                    Path socket = all.admin().socket();
                    line("socket", socket == null ? Kind.OFF : quote(socket.toString()));
                    List<InetSocketAddress> http = all.admin().http();
                    line("http", http.isEmpty() ? Kind.OFF : list(http, Addresses::text));
                    line("allow", list(all.admin().allow(), Cidr::toString));
                });
        block(
                "logging",
                () -> {
                    LoggingConfig logging = all.logging();
                    line("access", Kind.word(logging.access()));
                    line(
                            "file",
                            logging.file() == null ? "journal" : quote(logging.file().toString()));
                    line("level", Kind.word(logging.level()));
                });
        line("shutdown.grace", Unit.text(all.shutdownGrace()));
        line("loops", all.loops() == 0 ? "auto" : String.valueOf(all.loops()));
        line("transport", Kind.word(all.transport()));
        line("state", quote(all.state().toString()));
    }

    private void cluster(ClusterConfig cluster) {
        line("name", quote(cluster.name()));
        KeyFileConfig key = cluster.keyFile();
        file("key-file", key.file(), key.key().fingerprint());
        line("port", String.valueOf(cluster.port()));
        line("discovery", Kind.word(cluster.discovery()));
        line("detect", Kind.word(cluster.detect()));
        block("nodes", () -> cluster.nodes().forEach(this::node));
        InetAddress witness = cluster.witness();
        line("witness", witness == null ? ClusterConfig.GATEWAY : quote(Addresses.text(witness)));
    }

    private void node(NodeConfig node) {
        block(
                quote(node.name()),
                () -> {
                    line("address", quote(Addresses.text(node.address())));
                    if (!node.witness()) line("priority", String.valueOf(node.priority()));
                    line("witness", onOff(node.witness()));
                });
    }

    private void floatingIp(FloatingIpConfig ip) {
        block(
                quote(ip.name()),
                () -> {
                    line("address", quote(Addresses.text(ip.address()) + "/" + ip.prefix()));
                    if (ip.interfaceName() != null) line("interface", quote(ip.interfaceName()));
                    line("preempt", onOff(ip.preempt()));
                    line("require", list(ip.require(), name -> name));
                    line(
                            "command",
                            ip.command() == null ? Kind.OFF : quote(ip.command().toString()));
                });
    }

    private void listener(ListenerConfig listener) {
        block(
                quote(listener.name()),
                () -> {
                    line("bind", list(listener.binds(), Addresses::text));
                    tls(listener.tls());
                    line("protocols", list(listener.protocols(), Kind::word));
                    if (listener.backend() != null) line("backend", quote(listener.backend()));
                    lines("routes", listener.routes(), EffectiveConfiguration::route);
                    RedirectConfig redirect = listener.redirect();
                    line("redirect", redirect == null ? Kind.OFF : redirect(redirect));
                    line("trust", list(listener.trust(), Cidr::toString));
                    line("allow", list(listener.allow(), Cidr::toString));
                    line("deny", list(listener.deny(), Cidr::toString));
                    forwarded(listener.forwarded());
                    limits(listener.limits());
                    rateLimit(listener.rateLimit());
                    line("request-headers", edits(listener.requestHeaders()));
                    line("response-headers", edits(listener.responseHeaders()));
                    block(
                            "error-pages",
                            () ->
                                    new TreeMap<>(listener.errorPages())
                                            .forEach(
                                                    (status, page) ->
                                                            page(String.valueOf(status), page)));
                    block(
                            "timeouts",
                            () -> {
                                line("idle", Unit.text(listener.idleTimeout()));
                                line("tunnel", Unit.text(listener.tunnelTimeout()));
                            });
                });
    }

    private void forwarded(ForwardedConfig forwarded) {
        block(
                "forwarded",
                () -> {
                    line("x-forwarded", Kind.word(forwarded.xForwarded()));
                    line("forwarded", onOff(forwarded.forwarded()));
                    line("via", onOff(forwarded.via()));
                    line("request-id", onOff(forwarded.requestId()));
                });
    }

    private void limits(LimitsConfig limits) {
        block(
                "limits",
                () -> {
                    line("connections", String.valueOf(limits.connections()));
                    line("header-time", Unit.text(limits.headerTime()));
                    line("headers", size(limits.headersBytes()));
                    line("header-count", String.valueOf(limits.headerCount()));
                    line("request-line", size(limits.requestLineBytes()));
                    boolean isOff = limits.bodyBytes() == Long.MAX_VALUE;
                    line("body", isOff ? Kind.OFF : size(limits.bodyBytes()));
                    line("body-idle", Unit.text(limits.bodyIdle()));
                    line("pipelined", String.valueOf(limits.pipelined()));
                    line("streams", String.valueOf(limits.streams()));
                    int perClient = limits.connectionsPerClient();
                    boolean isAny = perClient == Integer.MAX_VALUE;
                    line("connections-per-client", isAny ? Kind.OFF : String.valueOf(perClient));
                });
    }

    private void tls(@Nullable TlsConfig tls) {
        blockIf(
                "tls",
                tls,
                given -> {
                    file("certificates", given.folder(), given.certificates().fingerprint());
                    line("policy", Kind.word(given.policy()));
                    line("minimum", quote(TlsConfig.text(given.minimum())));
                    line("strict-sni", onOff(given.strictSni()));
                    clientAuth(given.clientAuth());
                    block(
                            "hosts",
                            () ->
                                    given.hosts()
                                            .forEach(
                                                    each ->
                                                            block(
                                                                    quote(each.host().toString()),
                                                                    () ->
                                                                            clientAuth(
                                                                                    each
                                                                                            .clientAuth()))));
                    blockIf(
                            "hsts",
                            given.hsts(),
                            hsts -> {
                                line("max-age", Unit.text(hsts.maxAge()));
                                line("include-subdomains", onOff(hsts.includeSubdomains()));
                                line("preload", onOff(hsts.preload()));
                            });
                    line("handshake-time", Unit.text(given.handshakeTime()));
                });
    }

    private void clientAuth(ClientAuthConfig clientAuth) {
        line("client-auth", Kind.word(clientAuth.demand()));
        if (clientAuth.ca() != null) ca("client-ca", clientAuth.ca());
    }

    private void ca(String key, CaConfig ca) {
        file(key, ca.file(), ca.certificates().fingerprint());
    }

    private void rateLimit(@Nullable RateLimitConfig limit) {
        blockIf(
                "rate-limit",
                limit,
                given -> {
                    line("rate", quote(given.rate()));
                    line("burst", String.valueOf(given.burst()));
                });
    }

    private void page(String key, PageFile page) {
        file(key, page.file(), page.content().fingerprint());
    }

    /// The fingerprint makes the hash cover what is in the file, or in the folder.
    private void file(String key, Path file, String fingerprint) {
        line(key, quote(file.toString()) + " # sha256 " + fingerprint);
    }

    private static String edits(HeaderEdits edits) {
        if (edits.isEmpty()) return Kind.OFF;
        var added = new LinkedHashMap<String, List<String>>();
        for (HeaderEdit each : edits.add())
            added.computeIfAbsent(each.name(), _ -> new ArrayList<>()).add(each.value());
        return fields(
                edits.set().isEmpty()
                        ? null
                        : field(
                                "set",
                                edits.set().stream()
                                        .map(each -> field(quote(each.name()), quote(each.value())))
                                        .collect(Collectors.joining(", ", "{ ", " }"))),
                added.isEmpty()
                        ? null
                        : field(
                                "add",
                                added.entrySet().stream()
                                        .map(
                                                each ->
                                                        field(
                                                                quote(each.getKey()),
                                                                list(each.getValue(), v -> v)))
                                        .collect(Collectors.joining(", ", "{ ", " }"))),
                edits.remove().isEmpty() ? null : field("remove", list(edits.remove(), v -> v)));
    }

    private void check(@Nullable CheckConfig check) {
        blockIf(
                "check",
                check,
                given -> {
                    switch (given.probe()) {
                        case CheckConfig.Probe.Http(
                                        String path,
                                        String host,
                                        List<StatusRange> expect) -> {
                            line("http", quote(path));
                            if (host != null) line("host", quote(host));
                            line("expect", list(expect, StatusRange::toString));
                        }
                        case CheckConfig.Probe.Tcp _ -> line("tcp", onOff(true));
                        case CheckConfig.Probe.Grpc(String service, String host) -> {
                            line("grpc", service.isEmpty() ? onOff(true) : quote(service));
                            if (host != null) line("host", quote(host));
                        }
                    }
                    line("every", Unit.text(given.every()));
                    line("timeout", Unit.text(given.timeout()));
                    line("fall", String.valueOf(given.fall()));
                    line("rise", String.valueOf(given.rise()));
                });
    }

    private void eject(@Nullable EjectConfig eject) {
        blockIf(
                "eject",
                eject,
                given -> {
                    line("errors", String.valueOf(given.errors()));
                    line("within", Unit.text(given.within()));
                    line("for", Unit.text(given.duration()));
                    line("at-most", given.atMostPercent() + "%");
                });
    }

    private void capacity(@Nullable CapacityConfig capacity) {
        blockIf(
                "capacity",
                capacity,
                given -> {
                    line("connections", String.valueOf(given.connections()));
                    line("queue", String.valueOf(given.queue()));
                    line("wait", Unit.text(given.maxWait()));
                });
    }

    private void sticky(@Nullable StickyConfig sticky) {
        blockIf(
                "sticky",
                sticky,
                given -> {
                    line("name", quote(given.cookie()));
                    line("lifetime", durationOrOff(given.lifetime()));
                    line("on-drain", Kind.word(given.onDrain()));
                });
    }

    private void maintenance(@Nullable MaintenanceConfig maintenance) {
        blockIf(
                "maintenance",
                maintenance,
                given -> {
                    if (given.page() != null) page("page", given.page());
                    line("retry-after", durationOrOff(given.retryAfter()));
                    line("except", list(given.except(), Cidr::toString));
                });
    }

    private void tls(@Nullable BackendTlsConfig tls) {
        blockIf(
                "tls",
                tls,
                given -> {
                    line("verify", onOff(given.verify()));
                    if (given.ca() != null) ca("ca", given.ca());
                    if (given.name() != null) line("name", quote(given.name()));
                    BackendTlsConfig.Own own = given.own();
                    if (own == null) return;
                    file("certificate", own.file(), own.certificate().fingerprint());
                    if (own.keyFile() != null) line("key", quote(own.keyFile().toString()));
                });
    }

    private void backend(BackendConfig backend) {
        block(
                quote(backend.name()),
                () -> {
                    lines("servers", backend.servers(), EffectiveConfiguration::server);
                    line("balance", Kind.word(backend.balance()));
                    line("protocol", Kind.word(backend.protocol()));
                    tls(backend.tls());
                    check(backend.check());
                    eject(backend.eject());
                    line("slow-start", durationOrOff(backend.slowStart()));
                    capacity(backend.capacity());
                    block(
                            "retry",
                            () -> {
                                line("tries", String.valueOf(backend.retry().tries()));
                                line("budget", backend.retry().budgetPercent() + "%");
                            });
                    sticky(backend.sticky());
                    maintenance(backend.maintenance());
                    block(
                            "timeouts",
                            () -> {
                                line("connect", Unit.text(backend.connectTimeout()));
                                line("response", Unit.text(backend.responseTimeout()));
                                line("idle", Unit.text(backend.idleTimeout()));
                                line("tunnel", Unit.text(backend.tunnelTimeout()));
                            });
                });
    }

    private static String server(ServerConfig server) {
        return fields(
                field("name", quote(server.name())),
                field("address", quote(Addresses.text(server.address()))),
                field("weight", String.valueOf(server.weight())),
                field("backup", String.valueOf(server.backup())));
    }

    private static String route(RouteConfig route) {
        HostPattern host = route.host();
        String path = route.path();
        return fields(
                host == null ? null : field("host", quote(host.toString())),
                path == null ? null : field("path", quote(RoutePath.encode(path))),
                route.methods().isEmpty() ? null : field("method", list(route.methods(), m -> m)),
                route.headers().isEmpty() ? null : field("header", headers(route.headers())),
                switch (route.action()) {
                    case RouteAction.ToBackend(String backend) -> field("backend", quote(backend));
                    case RouteAction.Respond respond -> field("respond", respond(respond));
                    case RouteAction.Redirect(RedirectConfig to) -> field("redirect", redirect(to));
                },
                route.rewrite() == null ? null : field("rewrite", quote(route.rewrite())),
                route.requestHeaders().isEmpty()
                        ? null
                        : field("request-headers", edits(route.requestHeaders())),
                route.responseHeaders().isEmpty()
                        ? null
                        : field("response-headers", edits(route.responseHeaders())));
    }

    private static String headers(List<HeaderMatch> headers) {
        return headers.stream()
                .map(
                        header ->
                                fields(
                                        field("name", quote(header.name())),
                                        header.value() == null
                                                ? null
                                                : field("value", quote(header.value()))))
                .collect(Collectors.joining(", ", "[", "]"));
    }

    private static String respond(RouteAction.Respond respond) {
        return fields(
                field("status", String.valueOf(respond.status())),
                field("body", quote(respond.body())),
                field("content-type", quote(respond.contentType())));
    }

    private static String redirect(RedirectConfig redirect) {
        return fields(
                redirect.scheme() == null ? null : field("scheme", redirect.scheme()),
                redirect.host() == null ? null : field("host", quote(redirect.host())),
                redirect.port() == 0 ? null : field("port", String.valueOf(redirect.port())),
                field("status", String.valueOf(redirect.status())));
    }

    private static String size(long bytes) {
        return Unit.text(bytes, Unit.OF_SIZE);
    }

    private static String durationOrOff(Duration duration) {
        return duration.isZero() ? Kind.OFF : Unit.text(duration);
    }

    private static String onOff(boolean value) {
        return value ? "on" : Kind.OFF;
    }

    private static String field(String key, String value) {
        return key + (value.startsWith("{") ? " " : " = ") + value;
    }

    private static String fields(@Nullable String... fields) {
        var given = new ArrayList<String>();
        for (String field : fields) {
            if (field != null) given.add(field);
        }
        return "{ " + String.join(", ", given) + " }";
    }

    private static <T> String list(Collection<T> values, Function<T, String> writer) {
        return values.stream()
                .map(value -> quote(writer.apply(value)))
                .collect(Collectors.joining(", ", "[", "]"));
    }

    /// A plain word stays as it is, save for what HOCON would take for something else.
    private static String quote(String value) {
        boolean isPlain =
                value.matches("[a-zA-Z][a-zA-Z0-9-]*")
                        && !value.equals("include")
                        && !value.equals("null");
        return isPlain ? value : ConfigUtil.quoteString(value);
    }

    private void block(String name, Runnable body) {
        text.append(indent).append(name).append(" {\n");
        String outer = indent;
        indent = outer + "  ";
        body.run();
        indent = outer;
        text.append(indent).append("}\n");
    }

    private <T> void blockIf(String name, @Nullable T given, Consumer<T> body) {
        if (given == null) line(name, Kind.OFF);
        else block(name, () -> body.accept(given));
    }

    private <T> void lines(String key, List<T> values, Function<T, String> writer) {
        if (values.isEmpty()) {
            line(key, "[]");
            return;
        }
        text.append(indent).append(key).append(" = [\n");
        for (T value : values)
            text.append(indent).append("  ").append(writer.apply(value)).append('\n');
        text.append(indent).append("]\n");
    }

    private void line(String key, String value) {
        text.append(indent).append(field(key, value)).append('\n');
    }
}
