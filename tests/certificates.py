"""Certificates for servers of this machine, by an authority made for one test."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey


def make_authority(pem: Path) -> Authority:
    """Make an authority and write its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = Authority(_name("Authority of a test"), key)
    builder = _begin(authority.name, key, authority)
    ca = x509.BasicConstraints(ca=True, path_length=None)
    pem.write_bytes(_write(builder.add_extension(ca, critical=True).sign(key, hashes.SHA256())))
    return authority


def make_server_context(
    folder: Path, names: str | list[str], authority: Authority | None
) -> ssl.SSLContext:
    """A server that shows a certificate for these names; without an authority it signs itself."""
    names = [names] if isinstance(names, str) else names
    key = ec.generate_private_key(ec.SECP256R1())
    signer = authority or Authority(_name("Nobody"), key)
    alternatives = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
    builder = _begin(_name("server"), key, signer).add_extension(alternatives, critical=False)
    pem = folder / f"{x509.random_serial_number()}.pem"
    pem.write_bytes(
        _write(builder.sign(signer.key, hashes.SHA256()))
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def _begin(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, signer: Authority
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _write(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
