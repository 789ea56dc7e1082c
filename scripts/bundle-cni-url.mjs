// What `import.meta.url` is in a bundle: the URL of the installed plugin.
import { pathToFileURL } from 'node:url';

export const linkpointPluginUrl = pathToFileURL(__filename).href;
