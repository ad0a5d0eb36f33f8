import { diagTools } from './diag.ts';
import { dnsTools } from './dns.ts';
import { fileTransferTools } from './file-transfer.ts';
import { httpTools } from './http.ts';
import { interpreterNetTools, shellNetTools } from './interpreters.ts';
import { netcatTools } from './netcat.ts';
import { rawTools } from './raw.ts';
import { remoteShellTools } from './remote-shell.ts';
import { scannerTools } from './scanner.ts';
import { snifferTools } from './sniffer.ts';
import { tunnelTools } from './tunnel.ts';
import type { Tool } from './types.ts';

export { categoryEntries } from './categories.ts';
export { type Category, type CategoryEntry, categories, type Tool } from './types.ts';

/** Every tool Lanner knows without configuration, in the order of the categories. */
export const tools: readonly Tool[] = [
  ...dnsTools,
  ...netcatTools,
  ...httpTools,
  ...scannerTools,
  ...snifferTools,
  ...tunnelTools,
  ...remoteShellTools,
  ...fileTransferTools,
  ...rawTools,
  ...diagTools,
  ...shellNetTools,
  ...interpreterNetTools,
];
