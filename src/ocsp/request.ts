import { CertID, id_pkix_ocsp_nonce, OCSPRequest, Request, TBSRequest } from '@peculiar/asn1-ocsp';
import { AsnSerializer, OctetString } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier, Extension } from '@peculiar/asn1-x509';
import { type CertId, HASH_OIDS } from './cert-id.ts';

/** Bytes of a nonce (RFC 9654 2.1). */
export const NONCE_BYTES = 32;

/** DER of a request for one certificate (RFC 6960 4.1), unsigned. `nonce` is left out when it is null. */
export function buildRequest(certId: CertId, nonce: Uint8Array | null): Uint8Array {
  const reqCert = new CertID({
    hashAlgorithm: new AlgorithmIdentifier({ algorithm: HASH_OIDS[certId.hash], parameters: NULL }),
    issuerNameHash: new OctetString(certId.issuerNameHash),
    issuerKeyHash: new OctetString(certId.issuerKeyHash),
    serialNumber: toArrayBuffer(certId.serial),
  });
  const tbsRequest = new TBSRequest({
    requestList: [new Request({ reqCert })],
    ...(nonce === null ? {} : { requestExtensions: [nonceExtension(nonce)] }),
  });
  return new Uint8Array(AsnSerializer.serialize(new OCSPRequest({ tbsRequest })));
}

/** DER of NULL: what responders expect as the parameters of a hash. */
const NULL = toArrayBuffer(Uint8Array.of(0x05, 0x00));

function nonceExtension(nonce: Uint8Array): Extension {
  const value = AsnSerializer.serialize(new OctetString(nonce));
  return new Extension({ extnID: id_pkix_ocsp_nonce, extnValue: new OctetString(value) });
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
