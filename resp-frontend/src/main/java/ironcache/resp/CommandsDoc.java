package ironcache.resp;

/** {@code docs/commands.md}, generated from the command table; a test wants the file to be what this gives. */
final class CommandsDoc {
    private CommandsDoc() {}

    static String markdown(CommandTable table) {
        StringBuilder text = new StringBuilder(32 << 10);
        text.append(
                        "# Commands\n\nGenerated from the command table (`CommandsDoc`); do not edit. To write it anew:\n")
                .append(
                        "`mvn -pl resp-frontend -am test -Dtest=CommandTableTest -Dironcache.writeDocs=true")
                .append(" -Dsurefire.failIfNoSpecifiedTests=false`.\n");
        String[] groups = {
            "string",
            "list",
            "hash",
            "set",
            "sorted-set",
            "generic",
            "transactions",
            "connection",
            "server"
        };
        for (String group : groups) {
            text.append("\n## ")
                    .append(group)
                    .append(
                            "\n\n| command | grammar | what it does | flags |\n|---|---|---|---|\n");
            for (int i = 0; i < table.size(); i++) {
                CommandRow row = table.row(i);
                if (row.group.equals(group) && row.handler != null) {
                    line(text, row);
                }
            }
        }
        return text.toString();
    }

    private static void line(StringBuilder text, CommandRow row) {
        CommandRow parent = row.parent;
        text.append("| ")
                .append(parent == null ? row.name : parent.name + " " + row.name)
                .append(" |");
        if (row.args.length > 0) {
            StringBuilder grammar = new StringBuilder();
            for (Arg arg : row.args) {
                grammar.append(grammar.isEmpty() ? "" : " ");
                grammar(grammar, arg);
            }
            text.append(" `").append(grammar.toString().replace("|", "\\|")).append('`');
        }
        text.append(" | ").append(row.summary.replace("|", "\\|")).append(" | ");
        String separator = "";
        for (CommandFlag flag : CommandFlag.values()) {
            if ((row.listedFlags() & flag.bit()) != 0) {
                text.append(separator).append(flag.wireName());
                separator = ", ";
            }
        }
        text.append(" |\n");
    }

    /** As on Redis's pages: optional in brackets, alternatives with bars, repetition with dots. */
    private static void grammar(StringBuilder to, Arg arg) {
        StringBuilder one = new StringBuilder();
        if (arg.type == Arg.Type.PURE_TOKEN) {
            one.append(arg.token);
        } else {
            one.append(arg.token == null ? "" : arg.token + " ");
            switch (arg.type) {
                case ONEOF -> {
                    String separator = arg.optional ? "" : "<";
                    for (Arg part : arg.parts) {
                        one.append(separator);
                        grammar(one, part);
                        separator = " | ";
                    }
                    one.append(arg.optional ? "" : ">");
                }
                case BLOCK -> {
                    String separator = "";
                    for (Arg part : arg.parts) {
                        one.append(separator);
                        grammar(one, part);
                        separator = " ";
                    }
                }
                default -> one.append(arg.display);
            }
        }
        if (arg.optional) {
            to.append('[');
        }
        to.append(one);
        if (arg.multiple) {
            to.append(" [").append(one).append(" ...]");
        }
        if (arg.optional) {
            to.append(']');
        }
    }
}
