# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests, made with the openssl command."""

from bed import run

NAMES = "subjectAltName=DNS:localhost,DNS:*.redis-service,DNS:redis-service,IP:127.0.0.1"


def make_authority(folder, name="ca"):
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt", "-days", "2",
         "-subj", f"/CN=e2e {name}"]).require()
    return folder / f"{name}.crt"


def make_certificate(folder, name, authority="ca", alternatives=NAMES):
    run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr", "-subj", f"/CN={name}",
         "-addext", alternatives]).require()
    run(["openssl", "x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{authority}.crt",
         "-CAkey", folder / f"{authority}.key", "-CAcreateserial", "-days", "2",
         "-copy_extensions", "copy", "-out", folder / f"{name}.crt"]).require()
    return folder / f"{name}.crt"


def make_expired_certificate(folder, name, authority="ca"):
    """Valid for one second, twenty years ago. Only `openssl ca` can set dates."""
    run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr",
         "-subj", f"/CN={name}"]).require()
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("01\n")
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca = it\n[it]\ndir = {folder}\ndatabase = {folder}/index.txt\n"
        f"serial = {folder}/serial\nnew_certs_dir = {folder}\ndefault_md = sha256\npolicy = any\n"
        "[any]\ncommonName = supplied\n")
    run(["openssl", "ca", "-batch", "-config", folder / "ca.cnf", "-in", folder / f"{name}.csr",
         "-cert", folder / f"{authority}.crt", "-keyfile", folder / f"{authority}.key",
         "-startdate", "20060101000000Z", "-enddate", "20060101000001Z", "-notext",
         "-out", folder / f"{name}.crt"]).require()
    return folder / f"{name}.crt"
