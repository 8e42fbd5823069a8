package bascule.config;

import bascule.tls.Certificate;
import bascule.tls.CertificateFault;
import bascule.tls.CertificateFile;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A `tls` block of a backend: its servers are spoken to over TLS.
///
/// @param verify whether a server must show a certificate that a CA vouches for, and that bears its name
/// @param ca those CAs; null = those that the system trusts
/// @param name what the certificate must bear, and what the server is asked for (SNI), in lower case; null = the name or the address
///     by which the file knows the server
/// @param own what we show to servers that ask; null = nothing
public record BackendTlsConfig(
        boolean verify, @Nullable CaConfig ca, @Nullable String name, @Nullable Own own) {
    private static final Kind<String> NAME = new Kind<>("a DNS name", BackendTlsConfig::name);

    private static final String CERTIFICATE = "a PEM file of a certificate and its chain";
    private static final String KEY = "a PEM file of a private key";

    /// @param file absolute: where it stood
    /// @param keyFile the same of its key; null if that stood there, too
    public record Own(Path file, @Nullable Path keyFile, Certificate certificate) {}

    private static Kind.Read<String> name(String text) {
        String name = text.equals(Kind.OFF) ? null : HostPattern.dns(text);
        if (name == null || HostPattern.endsInNumber(name)) return Kind.bad("is no DNS name");
        return Kind.good(name);
    }

    static BackendTlsConfig read(Section at) {
        boolean verify = at.get("verify", Kind.SWITCH, true);
        CaConfig ca = CaConfig.read(at, "ca");
        if (!verify && at.has("ca"))
            at.refuse("ca", "is asked nothing without verify", "verify = on, or no ca");
        String name = at.find("name", NAME);
        return new BackendTlsConfig(verify, ca, name, own(at));
    }

    private static @Nullable Own own(Section at) {
        Path file = at.find("certificate", Kind.file(CERTIFICATE, at.folder()));
        Path keyFile = at.find("key", Kind.file(KEY, at.folder()));
        if (at.has("key") && !at.has("certificate"))
            at.refuse("key", "has no certificate", "both, or certificate alone");
        if (file == null || keyFile == null && at.has("key")) return null;
        return switch (CertificateFile.read(file, keyFile, Instant.now())) {
            case CertificateFile.Read.Loaded(Certificate certificate) ->
                    new Own(file, keyFile, certificate);
            case CertificateFile.Read.Faulty(List<CertificateFault> faults) -> {
                for (CertificateFault fault : faults) {
                    boolean ofKey = fault.file().equals(keyFile);
                    at.refuse(ofKey ? "key" : "certificate", fault.file(), fault);
                }
                yield null;
            }
        };
    }
}
