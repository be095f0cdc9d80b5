import { bitLength } from './public-key.ts';
import { refuse } from './rules.ts';

/** The numbers of a PKCS#1 private key. */
export interface RsaNumbers {
  readonly modulus: bigint;
  readonly exponent: bigint;
  readonly privateExponent: bigint;
  readonly primes: readonly [bigint, bigint];
  /** d mod p-1 and d mod q-1; optional for Go. */
  readonly exponents: readonly [bigint | undefined, bigint | undefined];
  /** The inverse of q mod p; optional for Go. */
  readonly coefficient: bigint | undefined;
  readonly hasMorePrimes: boolean;
}

function powerModulo(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** Whether the numbers belong together (crypto/internal/fips140/rsa rsa.go checkPrivateKey). */
function isConsistent(numbers: RsaNumbers): boolean {
  const { modulus, exponent, privateExponent: d, primes } = numbers;
  const [p, q] = primes;
  const isPublicKey = modulus % 2n === 1n && exponent >= 3n && exponent % 2n === 1n && exponent < 2n ** 31n;
  if (!isPublicKey || d >= modulus || p < 3n || q < 3n || p * q !== modulus) return false;
  const given = numbers.exponents[0] !== undefined && numbers.exponents[1] !== undefined;
  const [dP = d % (p - 1n), dQ = d % (q - 1n)] = given && numbers.coefficient !== undefined ? numbers.exponents : [];
  const inverse = (given ? numbers.coefficient : undefined) ?? powerModulo(q, p - 2n, p);
  const distance = p > q ? p - q : q - p;
  return (
    dP < p - 1n &&
    dQ < q - 1n &&
    (exponent * dP) % (p - 1n) === 1n &&
    (exponent * dQ) % (q - 1n) === 1n &&
    inverse < p &&
    (inverse * q) % p === 1n &&
    d % (p - 1n) === dP &&
    d % (q - 1n) === dQ &&
    bitLength(distance) > Math.floor(bitLength(modulus) / 2) - 100 &&
    bitLength(d) > Math.floor(bitLength(modulus) / 2)
  );
}

/** Refuses an RSA key that Go's `rsa.PrivateKey.Validate` refuses; of keys with more than two primes each one. */
export function checkRsaNumbers(numbers: RsaNumbers): void {
  const { modulus, privateExponent, primes, exponents, coefficient, hasMorePrimes } = numbers;
  const all = [modulus, privateExponent, ...primes, ...exponents, coefficient];
  const isPositive = all.every((number) => number === undefined || number > 0n);
  if (!isPositive || hasMorePrimes || !isConsistent(numbers)) refuse('private-key-malformed');
}
