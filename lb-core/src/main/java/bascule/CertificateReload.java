package bascule;

import bascule.config.Configuration;
import bascule.config.ListenerConfig;
import bascule.config.TlsConfig;
import bascule.observe.Events;
import bascule.observe.Metrics;
import bascule.tls.CertificateFault;
import bascule.tls.CertificateSet;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Has the folders of certificates watched that the configuration in force names, and what is new in them put in force.
final class CertificateReload implements AutoCloseable {
    private final Control control;
    private final Activation activation;
    private final Metrics metrics;
    private @Nullable CertificateWatch watch;

    CertificateReload(Control control, Activation activation, Metrics metrics) {
        this.control = control;
        this.activation = activation;
        this.metrics = metrics;
    }

    /// To be called once there is a configuration in force.
    void start() {
        watch = new CertificateWatch(this::folders, this::changed, this::refused);
    }

    private Set<Path> folders() {
        return activation.inForce().configuration().listeners().stream()
                .map(ListenerConfig::tls)
                .filter(Objects::nonNull)
                .map(TlsConfig::folder)
                .collect(Collectors.toSet());
    }

    /// A folder of certificates was read again. On the watch's thread.
    private void changed(Path folder, CertificateSet set) {
        control.run("certificates-not-in-force", () -> use(folder, set));
    }

    private void use(Path folder, CertificateSet set) {
        InForce before = activation.inForce();
        Configuration next = before.configuration().withCertificates(folder, set);
        if (next.hash().equals(before.configuration().hash())) return;
        String failure = activation.apply(before.with(next));
        if (failure != null) {
            metrics.certificatesReloaded("refused");
            Events.worsened("certificates-refused", "folder", folder, "fault", failure);
            return;
        }
        metrics.certificatesReloaded("loaded");
        Events.changed(
                "certificates-changed",
                "folder",
                folder,
                "certificates",
                set.certificates().size(),
                "config",
                next.hash());
    }

    /// What is wrong with a folder that has changed. On the watch's thread.
    private void refused(Path folder, List<CertificateFault> faults) {
        metrics.certificatesReloaded("refused");
        faults.stream()
                .limit(ConfigurationReload.MOST_TOLD)
                .forEach(
                        fault ->
                                Events.worsened(
                                        "certificates-refused", "folder", folder, "fault", fault));
    }

    @Override
    public void close() {
        CertificateWatch begun = watch;
        if (begun != null) begun.close();
    }
}
