include $(sort $(wildcard $(BR2_EXTERNAL_CALLPOST_PATH)/package/*/*.mk))
