"""Certificates for servers and clients of a test."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEGIN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
FAR = BEGIN.replace(year=2120)


@dataclass(frozen=True)
class Authority:
    """Somebody who vouches for others, and whose own certificate is in a PEM file."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def path(self) -> Path:
        return self.folder / "ca.pem"

    def vouch(self, name: str, *, ip: str | None = None, until: dt.datetime = FAR) -> Path:
        """A PEM file with a key and a certificate for a DNS name, or for an address."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.IPAddress(ipaddress.ip_address(ip)) if ip else x509.DNSName(name)
        certificate = (
            _builder(name, key, until)
            .issuer_name(self.certificate.subject)
            .add_extension(x509.SubjectAlternativeName([subject]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return _written(self.folder / f"{name}.pem", key, certificate)


def authority(folder: Path, name: str = "edge CA") -> Authority:
    """A new one; a folder holds one of them."""
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(name, key, FAR)
        .issuer_name(_called(name))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Authority(folder, key, certificate)
    made.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return made


def self_signed(folder: Path, ip: str) -> Path:
    """A PEM file with a key and a certificate for this address that only its owner vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder("edge", key, FAR)
        .issuer_name(_called("edge"))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ip))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _written(folder / "server.pem", key, certificate)


def serving_tls(certificate: Path, *, clients_of: Authority | None = None) -> ssl.SSLContext:
    """A server's context; with an authority, only clients that it vouches for are served."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if clients_of is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients_of.path)
    return context


def _builder(name: str, key: ec.EllipticCurvePrivateKey, until: dt.datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_called(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(until)
    )


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _written(path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Path:
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
