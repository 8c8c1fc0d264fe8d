################################################################################
#
# callpost
#
################################################################################

CALLPOST_VERSION = 0.1.0
# `just source` writes this tarball from the checkout around this tree.
CALLPOST_SITE = $(BR2_EXTERNAL_CALLPOST_PATH)/../target/source
CALLPOST_SITE_METHOD = file
CALLPOST_LICENSE = MIT or Apache-2.0
CALLPOST_LICENSE_FILES = LICENSE-MIT LICENSE-APACHE

# Opus is built by CMake.
CALLPOST_DEPENDENCIES = $(BR2_CMAKE_HOST_DEPENDENCY)

# The infrastructure overrides [profile.release]; these three are worth having.
CALLPOST_CARGO_ENV = \
	CARGO_PROFILE_RELEASE_LTO=fat \
	CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
	CARGO_PROFILE_RELEASE_PANIC=unwind

# A fixed uid: both halves of an A/B root must read the same data partition.
define CALLPOST_USERS
	callpost 870 callpost 870 * /var/lib/callpost - - callpost telephony appliance
endef

define CALLPOST_INSTALL_CONFIG
	mkdir -p $(TARGET_DIR)/etc/callpost
	cp -dR --preserve=mode,links $(@D)/config/. $(TARGET_DIR)/etc/callpost/
endef
CALLPOST_POST_INSTALL_TARGET_HOOKS += CALLPOST_INSTALL_CONFIG

# The daemon reads the configuration, only root writes it: it holds passwords.
define CALLPOST_PERMISSIONS
	/etc/callpost r -1 root callpost - - - - -
	/etc/callpost d 750 root callpost - - - - -
	/etc/callpost/callpost.toml f 640 root callpost - - - - -
endef

define CALLPOST_INSTALL_INIT_SYSTEMD
	$(INSTALL) -D -m 0644 $(@D)/systemd/callpost.service \
		$(TARGET_DIR)/usr/lib/systemd/system/callpost.service
	$(INSTALL) -D -m 0644 $(@D)/systemd/callpost.socket \
		$(TARGET_DIR)/usr/lib/systemd/system/callpost.socket
	$(INSTALL) -D -m 0644 $(@D)/systemd/callpost.service.d/50-systemd-254.conf \
		$(TARGET_DIR)/usr/lib/systemd/system/callpost.service.d/50-systemd-254.conf
	$(INSTALL) -D -m 0644 $(@D)/systemd/callpost.preset \
		$(TARGET_DIR)/usr/lib/systemd/system-preset/80-callpost.preset
	$(INSTALL) -D -m 0644 $(@D)/systemd/callpost.tmpfiles \
		$(TARGET_DIR)/usr/lib/tmpfiles.d/callpost.conf
endef

$(eval $(cargo-package))
