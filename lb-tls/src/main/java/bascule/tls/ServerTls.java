package bascule.tls;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.handler.ssl.OpenSslServerSessionContext;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/// The TLS of one listener, made from [ServerTlsSettings]: one context per certificate and per policy on client certificates that it can meet.
/// Immutable and shared by all loops; a change makes another one, which is swapped in whole.
///
/// Contexts are native memory. Each connection holds on to its own for as long as it lives, so [#close] frees what nobody uses, and the rest
/// goes with its last connection.
public final class ServerTls implements AutoCloseable {
    /// Where tickets end; the tests put a worse one in its place.
    interface Boundary {
        /// What BoringSSL compares with what stands in a ticket that it could open.
        byte[] sessionContext(String listener, ClientPolicy policy);

        /// What the keys are derived for, so that it can open no other's. Either of the two would do.
        default byte[] keyContext(String listener, ClientPolicy policy) {
            return sessionContext(listener, policy);
        }
    }

    /// RFC 5077 §5.6: TLS 1.2 tells the client for how long. TLS 1.3's have no such limit here but that of [TicketRing].
    private static final int TLS_1_2_SESSION_SECONDS = 7200;

    /// Alert fatal(2), unrecognized_name(112), in a record of its own (RFC 8446 §6, RFC 6066 §3).
    private static final byte[] UNRECOGNIZED_NAME = {21, 3, 3, 0, 2, 2, 112};

    private final ServerTlsSettings settings;
    private final List<ClientPolicy> policies = new ArrayList<>(); // The default first.
    private final byte[][]
            ruleNames; // Exact ones, then `.suffix` from the longest to the shortest.
    private final int[] rulePolicies;
    private final int exactRules;
    private final IdentityHashMap<Certificate, @Nullable TlsChoice[]> choices =
            new IdentityHashMap<>(); // By policy.
    private final List<SslContext> contexts = new ArrayList<>();
    private final List<TicketRing.Subscription> subscriptions = new ArrayList<>();

    /// Makes all contexts, in some tenths of a millisecond each; one takes 7 KB.
    ///
    /// @throws SSLException if the library refuses what [CertificateFolder] has let through
    public static ServerTls of(ServerTlsSettings settings) throws SSLException {
        return of(
                settings,
                TlsLibrary.inUse(),
                (listener, policy) -> policy.sessionContext(listener));
    }

    static ServerTls of(ServerTlsSettings settings, TlsLibrary library, Boundary boundary)
            throws SSLException {
        ServerTls tls = new ServerTls(settings);
        try {
            tls.build(library, boundary);
            return tls;
        } catch (SSLException | RuntimeException e) {
            tls.close();
            throw e;
        }
    }

    private ServerTls(ServerTlsSettings settings) {
        this.settings = settings;
        policies.add(new ClientPolicy(settings.clientAuth(), settings.authorities()));
        List<ClientAuthRule> exact = new ArrayList<>();
        List<ClientAuthRule> suffixes = new ArrayList<>();
        for (ClientAuthRule rule : settings.rules())
            (rule.host().startsWith("*.") ? suffixes : exact).add(rule);
        suffixes.sort((a, b) -> b.host().length() - a.host().length());
        exactRules = exact.size();
        exact.addAll(suffixes);
        ruleNames = new byte[exact.size()][];
        rulePolicies = new int[exact.size()];
        for (int i = 0; i < rulePolicies.length; i++) {
            ClientAuthRule rule = exact.get(i);
            ruleNames[i] = rule.host().substring(i < exactRules ? 0 : 1).getBytes(US_ASCII);
            rulePolicies[i] = numberOf(new ClientPolicy(rule.clientAuth(), rule.authorities()));
        }
    }

    private int numberOf(ClientPolicy policy) {
        int known = policies.indexOf(policy);
        if (known >= 0) return known;
        policies.add(policy);
        return policies.size() - 1;
    }

    private void build(TlsLibrary library, Boundary boundary) throws SSLException {
        for (Certificate certificate : settings.certificates().certificates())
            build(certificate, 0, library, boundary);
        for (int i = 0; i < rulePolicies.length; i++)
            for (Certificate certificate : certificatesUnder(i))
                build(certificate, rulePolicies[i], library, boundary);
    }

    /// What can be shown to clients whose SNI falls under a rule. May hold some that in truth a better rule takes.
    private List<Certificate> certificatesUnder(int rule) {
        CertificateSet set = settings.certificates();
        String name = new String(ruleNames[rule], US_ASCII);
        List<Certificate> found = new ArrayList<>();
        if (rule < exactRules) {
            found.addAll(set.exact(name).certificates());
            found.addAll(set.wildcard(name).certificates());
            if (found.isEmpty()) found.addAll(set.defaultPair().certificates());
            return found;
        }
        for (Certificate certificate : set.certificates())
            for (String one : certificate.names())
                if (one.endsWith(name)) { // For a wildcard that is `*.example.com`, too.
                    found.add(certificate);
                    break;
                }
        // `*.b.example.com` is covered by `*.example.com` in no certificate, so nothing else fits
        // but the default.
        found.addAll(set.defaultPair().certificates());
        return found;
    }

    private void build(Certificate certificate, int policy, TlsLibrary library, Boundary boundary)
            throws SSLException {
        @Nullable TlsChoice[] known =
                choices.computeIfAbsent(certificate, _ -> new TlsChoice[policies.size()]);
        if (known[policy] != null) return;
        ClientPolicy asked = policies.get(policy);
        CaCertificates authorities = asked.authorities();
        SslContextBuilder builder =
                TlsContexts.configure(
                                SslContextBuilder.forServer(OneKey.factory(certificate)),
                                library,
                                settings.policy(),
                                settings.minimum(),
                                settings.alpn())
                        .trustManager(
                                authorities == null
                                        ? new NoCertificates()
                                        : new ClientCertificates(authorities))
                        .clientAuth(
                                switch (asked.clientAuth()) {
                                    case NONE -> io.netty.handler.ssl.ClientAuth.NONE;
                                    case OPTIONAL -> io.netty.handler.ssl.ClientAuth.OPTIONAL;
                                    case REQUIRED -> io.netty.handler.ssl.ClientAuth.REQUIRE;
                                })
                        .sessionTimeout(TLS_1_2_SESSION_SECONDS);
        SslContext context = TlsContexts.build(builder);
        contexts.add(context);
        if (context.sessionContext() instanceof OpenSslServerSessionContext sessions) {
            sessions.setSessionIdContext(boundary.sessionContext(settings.listener(), asked));
            // Tickets only: a cache would hold a session per handshake, and call up into Java for
            // each.
            sessions.setSessionCacheEnabled(false);
            subscriptions.add(
                    settings.tickets()
                            .subscribe(
                                    boundary.keyContext(settings.listener(), asked),
                                    sessions::setTicketKeys));
        }
        known[policy] = new TlsChoice(certificate, asked, context);
    }

    /// Finds the certificate for a client: by its name, exact before wildcard, and of the key types that it can use, ECDSA first; the default
    /// for one that names nobody, or somebody unknown.
    ///
    /// @return null if the client has to be refused, which only happens with strict SNI; see [#unrecognizedName]
    public @Nullable TlsChoice choose(ClientHello hello) {
        CertificateSet set = settings.certificates();
        String sni = hello.sni();
        if (sni == null)
            return settings.strictSni() ? null : choice(best(set.defaultPair(), hello), 0);
        CertificateSet.Pair exact = set.exact(sni);
        CertificateSet.Pair wildcard = set.wildcard(sni);
        Certificate certificate = usable(exact, hello);
        if (certificate == null) certificate = usable(wildcard, hello);
        if (certificate == null)
            certificate = best(exact, hello); // It fails, and the client learns why.
        if (certificate == null) certificate = best(wildcard, hello);
        if (certificate == null && settings.strictSni()) return null;
        if (certificate == null) certificate = best(set.defaultPair(), hello);
        return choice(certificate, numberOf(sni));
    }

    private static @Nullable Certificate usable(CertificateSet.Pair pair, ClientHello hello) {
        Certificate ecdsa = pair.ecdsa();
        return ecdsa != null && hello.accepts(ecdsa.curve()) ? ecdsa : pair.rsa();
    }

    private static @Nullable Certificate best(CertificateSet.Pair pair, ClientHello hello) {
        Certificate usable = usable(pair, hello);
        return usable != null ? usable : pair.ecdsa();
    }

    private TlsChoice choice(@Nullable Certificate certificate, int policy) {
        @Nullable TlsChoice[] known = certificate == null ? null : choices.get(certificate);
        TlsChoice choice = known == null ? null : known[policy];
        if (choice == null)
            throw new IllegalStateException("no context for " + certificate + ", policy " + policy);
        return choice;
    }

    /// Whether no client is asked for anything: then nobody has to compare policies.
    public boolean asksNothing() {
        return policies.size() == 1 && policies.getFirst().equals(ClientPolicy.NOTHING);
    }

    private int numberOf(String host) {
        if (ruleNames.length == 0) return 0;
        byte[] bytes = host.getBytes(US_ASCII);
        return numberOf(bytes, 0, bytes.length);
    }

    /// What a host asks of clients, by which a request's authority is held against the SNI: if it is not that of the
    /// connection's [TlsChoice], the answer is 421.
    ClientPolicy policyOf(String host) {
        return policies.get(numberOf(host));
    }

    /// As [#policyOf(String)], of bytes without a port; in any case; with or without a dot at the end. Allocates nothing; takes time with the
    /// number of rules.
    public ClientPolicy policyOf(byte[] host, int from, int to) {
        return policies.get(numberOf(host, from, to));
    }

    private int numberOf(byte[] host, int from, int to) {
        if (to > from && host[to - 1] == '.') to--;
        for (int i = 0; i < ruleNames.length; i++) {
            byte[] name = ruleNames[i];
            int start = to - name.length;
            // A suffix wants a label before it.
            if (i < exactRules ? start == from : start > from)
                if (matches(name, host, start)) return rulePolicies[i];
        }
        return 0;
    }

    private static boolean matches(byte[] name, byte[] host, int start) {
        for (int i = 0; i < name.length; i++) {
            byte b = host[start + i];
            if (b >= 'A' && b <= 'Z') b |= 0x20;
            if (b != name[i]) return false;
        }
        return true;
    }

    /// The bytes to send, before closing, to a client that [#choose] refused.
    public static byte[] unrecognizedName() {
        return UNRECOGNIZED_NAME.clone();
    }

    public ServerTlsSettings settings() {
        return settings;
    }

    /// How many contexts there are, for tests.
    int contexts() {
        return contexts.size();
    }

    /// Lets go of all contexts. To be called once, when no loop can call [#choose] any more or hold on to a [TlsChoice] that it has made no
    /// handler of yet. Connections go on.
    @Override
    public void close() {
        for (TicketRing.Subscription subscription : subscriptions) subscription.close();
        subscriptions.clear();
        for (SslContext context : contexts) ReferenceCountUtil.release(context);
        contexts.clear();
    }
}
