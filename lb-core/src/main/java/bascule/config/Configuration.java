package bascule.config;

import static java.time.Duration.ofHours;
import static java.time.Duration.ofSeconds;

import bascule.tls.CertificateSet;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/// Everything that one daemon runs on: the effective configuration, every default filled in.
///
/// @param listeners sorted by name, at least one
/// @param backends sorted by name; every backend that a listener or a route names is among them
/// @param shutdownGrace how long running exchanges may take to end after a stop was asked for
/// @param loops number of event loops; 0 = one per core
/// @param state absolute: the folder of what is remembered over a restart
/// @param stateGiven whether it is another than the default, so that the operator counts on it
/// @param hash SHA-256 over [EffectiveConfiguration#render], 64 lower-case hex digits: equal on two nodes exactly when both
///     run the same configuration, whatever their files look like
public record Configuration(
        List<ListenerConfig> listeners,
        List<BackendConfig> backends,
        AdminConfig admin,
        LoggingConfig logging,
        Duration shutdownGrace,
        int loops,
        TransportKind transport,
        Path state,
        boolean stateGiven,
        String hash) {
    private static final Kind<Duration> GRACE =
            Kind.duration(Duration.ZERO, ofHours(1)).or(Kind.OFF, Duration.ZERO);

    private static final Path STATE = Path.of("/var/lib/bascule");

    public Configuration {
        listeners = List.copyOf(listeners);
        backends = List.copyOf(backends);
    }

    static Configuration read(Section at) {
        AdminConfig admin =
                at.block(
                        "admin", "http", AdminConfig::read); // First, for what it opens by default.
        List<ListenerConfig> listeners = at.named("listeners", "bind", ListenerConfig::read);
        if (!at.has("listeners")) at.refuseMissing("listeners", "listeners.NAME { … }");
        else if (listeners.isEmpty())
            at.refuse("listeners", "opens nothing", "one listener or more");
        at.refuseUnknownHttpsPort();
        var cookies = new HashMap<String, String>();
        List<BackendConfig> backends =
                at.named("backends", "servers", each -> BackendConfig.read(each, cookies));
        at.refuseUnknownBackends(backends.stream().map(BackendConfig::name).toList());
        LoggingConfig logging = at.block("logging", "access", LoggingConfig::read);
        Duration grace =
                at.block("shutdown", "grace", block -> block.get("grace", GRACE, ofSeconds(30)));
        int loops = at.get("loops", Kind.count(1, 1024).or("auto", 0), 0);
        TransportKind transport =
                at.get("transport", Kind.choice(TransportKind.class), TransportKind.EPOLL);
        Path state = at.get("state", Kind.folder(at.folder()), STATE);
        boolean stateGiven = !STATE.equals(state);
        at.ignore("let");
        return new Configuration(
                listeners,
                backends,
                admin,
                logging,
                grace,
                loops,
                transport,
                state,
                stateGiven,
                "");
    }

    /// Does a listener or a backend?
    public boolean usesTls() {
        return listeners.stream().anyMatch(listener -> listener.tls() != null)
                || backends.stream().anyMatch(backend -> backend.tls() != null);
    }

    /// Where `redirect = https` leads: the port of the listeners with TLS; 443 if it is one of several; 0 if it is not clear, and then no
    /// redirect asks.
    public int httpsPort() {
        return httpsPort(httpsPorts(listeners));
    }

    static int httpsPort(Collection<Integer> ports) {
        if (ports.contains(443)) return 443;
        return ports.size() == 1 ? ports.iterator().next() : 0;
    }

    private static SortedSet<Integer> httpsPorts(List<ListenerConfig> listeners) {
        var ports = new TreeSet<Integer>();
        for (ListenerConfig listener : listeners)
            if (listener.tls() != null) listener.binds().forEach(bind -> ports.add(bind.getPort()));
        return ports;
    }

    /// The same after a folder of certificates has changed.
    public Configuration withCertificates(Path folder, CertificateSet certificates) {
        List<ListenerConfig> changed =
                listeners.stream()
                        .map(listener -> listener.withCertificates(folder, certificates))
                        .toList();
        return with(changed, "").hashed();
    }

    /// Of the same, once it is complete.
    Configuration hashed() {
        String text = EffectiveConfiguration.render(this);
        return with(listeners, PageContent.sha256(text.getBytes(StandardCharsets.UTF_8)));
    }

    private Configuration with(List<ListenerConfig> newListeners, String newHash) {
        return new Configuration(
                newListeners,
                backends,
                admin,
                logging,
                shutdownGrace,
                loops,
                transport,
                state,
                stateGiven,
                newHash);
    }
}
