/** The operator's command line, ironcache-tool. */
module ironcache.tools {
    requires transitive ironcache.resp;
    requires info.picocli;
    requires me.tongfei.progressbar;
    requires static transitive org.jspecify;

    opens ironcache.tools to
            info.picocli;
}
