package bascule.server;

/// Whether a server may be chosen: what the operator wants, and what checks and exchanges have found.
public record ServerStatus(Admin admin, Health health) {
    /// A server that nobody has spoken of: enabled, never checked.
    public static final ServerStatus INITIAL = new ServerStatus(Admin.ENABLED, Health.UNKNOWN);

    /// What the operator wants.
    public enum Admin {
        ENABLED,
        /// What runs may finish, nothing new; checks go on.
        DRAINING,
        /// As [#DRAINING], and checks stop.
        DISABLED
    }

    /// What was found.
    public enum Health {
        /// No check is configured: counts as up. A server that has one is [#DOWN] until its first pass.
        UNKNOWN,
        UP,
        DOWN,
        /// Its check may pass, but exchanges failed too often.
        EJECTED
    }

    /// May it be given new work?
    public boolean usable() {
        return admin == Admin.ENABLED && (health == Health.UP || health == Health.UNKNOWN);
    }

    /// May it not even finish what is bound to it, such as the sessions of its clients? A server that is drained may.
    public boolean lost() {
        return admin == Admin.DISABLED || health == Health.DOWN || health == Health.EJECTED;
    }

    /// The one word for operators: `up`, `down`, `draining`, `disabled` or `ejected`. What the operator asked for hides what
    /// was found.
    public String state() {
        return switch (admin) {
            case DISABLED -> "disabled";
            case DRAINING -> "draining";
            case ENABLED ->
                    switch (health) {
                        case UNKNOWN, UP -> "up";
                        case DOWN -> "down";
                        case EJECTED -> "ejected";
                    };
        };
    }
}
