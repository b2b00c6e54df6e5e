/** The operator's command line, ironcache-tool. */
package ironcache.tools;
