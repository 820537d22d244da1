import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { file, folder, freePort, run } from './processes.ts';
import { nginxHead } from './proxies.ts';

/**
 * What the proxies stand before, on the second core: an nginx with things of 100 bytes, 10 KB and 1 MB, that takes
 * uploads, and with a server behind it that says again what it hears. Returns its port.
 */
export async function startUpstream(): Promise<number> {
  const [port, echoPort] = [await freePort(), await freePort()];
  const root = path.join(folder, 'www');
  await mkdir(root);
  await writeFile(path.join(root, '10k'), Buffer.alloc(10_240, 'x'));
  await writeFile(path.join(root, '1m'), Buffer.alloc(1_048_576, 'x'));
  const text = `${nginxHead('upstream')}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${root};
    client_max_body_size 0;
    client_body_buffer_size 2m;
    location = /100 { return 200 "${'x'.repeat(100)}"; }
    location = /upload { proxy_pass http://127.0.0.1:${port}/taken; }
    location = /taken { return 200 "taken"; }
    location = /echo {
      proxy_pass http://127.0.0.1:${echoPort};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }
  }
}
`;
  const echo = [path.join(import.meta.dirname, 'echo-server.ts'), String(echoPort)];
  await run('echo', 1, process.execPath, echo, echoPort, false);
  await run('upstream', 1, 'nginx', ['-c', await file('upstream.conf', text)], port, false);
  return port;
}
