import { describe, expect, it } from 'vitest';
import { isInTheFuture, parseCheckExpiration } from './check-expiration.ts';

const TABLE = `[check-expiration] Reading configuration from the cluster...

CERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED
admin.conf                 Nov 22, 2027 11:54 UTC   364d                                    no      
apiserver                  Nov 21, 2026 11:57 UTC   <invalid>       ca                      no      

CERTIFICATE AUTHORITY   EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED
ca                      Nov 19, 2035 11:54 UTC   8y              no      
`;

describe('the output of kubeadm certs check-expiration', () => {
  it('has one line for each certificate and CA', () => {
    expect(parseCheckExpiration(TABLE)).toEqual([
      { name: 'admin.conf', residualTime: '364d' },
      { name: 'apiserver', residualTime: '<invalid>' },
      { name: 'ca', residualTime: '8y' },
    ]);
  });

  it.each([
    ['364d', true],
    ['8y', true],
    ['<invalid>', false],
    ['0d', false],
  ])('with residual time %s is in the future: %s', (residualTime, future) => {
    expect(isInTheFuture({ name: 'apiserver', residualTime })).toBe(future);
  });
});
