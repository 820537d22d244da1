import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { has } from '../../test/peers.ts';
import { file, folder, freePort, run, type Started } from './processes.ts';

/** What is compared: each on the first core, with one worker or thread. */
export interface Contender {
  readonly name: string;
  /** With a certificate of an ECDSA key (P-256), and with one of an RSA key (2048 bits). */
  readonly ecdsa: Started;
  readonly rsa: Started;
}

/** What rigil's local CA issued, in files, for the others. */
export interface Certificate {
  readonly chain: string;
  readonly key: string;
  readonly both: string;
}

const PROJECT = path.dirname(path.dirname(import.meta.dirname));

export async function startRigil(upstream: number): Promise<Contender> {
  return {
    name: 'rigil',
    ecdsa: await startRigilWith('p256', upstream),
    rsa: await startRigilWith('rsa2048', upstream),
  };
}

/** @param workers how many. Default 1 */
export async function startRigilWith(
  keyType: 'p256' | 'rsa2048',
  upstream: number,
  workers = 1,
): Promise<Started> {
  const port = await freePort();
  const text = `global
  https 127.0.0.1:${port}
  http off
  admin off
  workers ${workers}
  max-connections-per-address off
  store file ${path.join(folder, keyType)}

issuer internal
  type internal
  key-type ${keyType}

route localhost
  upstream 127.0.0.1:${upstream}
`;
  const config = await file(`${keyType}-${workers}.conf`, text);
  const args = [path.join(PROJECT, 'bin/run.js'), 'serve', '-c', config];
  return await run('rigil', 0, process.execPath, args, port, true);
}

export async function certificateOf(keyType: 'p256' | 'rsa2048'): Promise<Certificate> {
  const held = path.join(folder, keyType, 'certs/internal/localhost/000001');
  const chain = path.join(held, 'fullchain.pem');
  const key = path.join(held, 'privkey.pem');
  const text = (await readFile(chain, 'utf8')) + (await readFile(key, 'utf8'));
  return { chain, key, both: await file(`${keyType}.pem`, text) };
}

export async function startNginx(upstream: number, ecdsa: Certificate, rsa: Certificate): Promise<Contender> {
  const [port, rsaPort] = [await freePort(), await freePort()];
  const server = (at: number, { chain, key }: Certificate) => `
  server {
    listen 127.0.0.1:${at} ssl http2 backlog=4096;
    ssl_certificate ${chain};
    ssl_certificate_key ${key};
    ssl_protocols TLSv1.2 TLSv1.3;
    client_max_body_size 0;
    location / {
      proxy_pass http://u;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      ${FORWARDED}
    }
    location = /upload {
      proxy_pass http://u;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Connection "";
      ${FORWARDED}
    }
    location = /echo {
      proxy_pass http://u;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      ${FORWARDED}
    }
  }`;
  const text = `${nginxHead('nginx')}
  upstream u { server 127.0.0.1:${upstream}; keepalive 512; keepalive_requests 1000000000; }
  ${server(port, ecdsa)}
  ${server(rsaPort, rsa)}
}
`;
  const started = await run('nginx', 0, 'nginx', ['-c', await file('nginx.conf', text)], port, true);
  return { name: 'nginx', ecdsa: started, rsa: { ...started, port: rsaPort } };
}

const FORWARDED = `proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Host $host;
      proxy_set_header X-Forwarded-Proto $scheme;`;

export async function startHaproxy(
  upstream: number,
  ecdsa: Certificate,
  rsa: Certificate,
): Promise<Contender> {
  const [port, rsaPort] = [await freePort(), await freePort()];
  const text = `global
  nbthread 1
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  timeout tunnel 60s
  http-reuse always
frontend f
  bind 127.0.0.1:${port} ssl crt ${ecdsa.both} alpn h2,http/1.1
  bind 127.0.0.1:${rsaPort} ssl crt ${rsa.both} alpn h2,http/1.1
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  default_backend b
backend b
  server s 127.0.0.1:${upstream} pool-max-conn -1
`;
  const started = await run('HAProxy', 0, 'haproxy', ['-f', await file('haproxy.cfg', text)], port, true);
  return { name: 'HAProxy', ecdsa: started, rsa: { ...started, port: rsaPort } };
}

export async function startCaddy(upstream: number, ecdsa: Certificate, rsa: Certificate): Promise<Contender> {
  const [port, rsaPort] = [await freePort(), await freePort()];
  const site = (at: number, { chain, key }: Certificate) => `https://localhost:${at} {
  tls ${chain} ${key}
  reverse_proxy 127.0.0.1:${upstream} {
    transport http {
      keepalive_idle_conns_per_host 512
    }
  }
}
`;
  const text = `{
  admin off
  auto_https off
}
${site(port, ecdsa)}${site(rsaPort, rsa)}`;
  const args = ['run', '--adapter', 'caddyfile', '--config', await file('Caddyfile', text)];
  const started = await run('Caddy', 0, 'caddy', args, port, true);
  return { name: 'Caddy', ecdsa: started, rsa: { ...started, port: rsaPort } };
}

/** The beginning of a configuration of nginx up to and with `http {`. */
export function nginxHead(name: string): string {
  return `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/${name}.pid;
error_log ${folder}/${name}.log crit;
events { worker_connections 19000; }
http {
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/${name}-body;
  proxy_temp_path ${folder}/${name}-proxy;
  fastcgi_temp_path ${folder}/${name}-f;
  uwsgi_temp_path ${folder}/${name}-u;
  scgi_temp_path ${folder}/${name}-s;`;
}

/** All that are installed, rigil first, which makes the certificates for all, before the same upstream. */
export async function startContenders(upstream: number): Promise<readonly Contender[]> {
  const contenders = [await startRigil(upstream)];
  const [ecdsa, rsa] = [await certificateOf('p256'), await certificateOf('rsa2048')];
  contenders.push(await startNginx(upstream, ecdsa, rsa));
  if (has('haproxy')) contenders.push(await startHaproxy(upstream, ecdsa, rsa));
  if (has('caddy')) contenders.push(await startCaddy(upstream, ecdsa, rsa));
  return contenders;
}
