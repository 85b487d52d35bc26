import { constants } from 'node:crypto'

/**
 * FN-02, FN-03, FN-06: TLS 1.2 with ephemeral keys and AES-GCM only, TLS 1.3 preferred (RFC 9325 section 4.2). Options
 * of a TLS server, the same for every listener of ours.
 */
export const tlsFloor = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
  ].join(':'),
  honorCipherOrder: true,
  ecdhCurve: 'X25519:P-256:P-384',
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
} as const

/** A listener that takes certificates asks and never insists: whether one is good is judged per request. */
export const askForCertificate = { requestCert: true, rejectUnauthorized: false } as const
